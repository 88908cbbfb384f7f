from workflow.monitoring.finding import Finding, in_order, reason, worst


def finding(level, message, column=""):
    return Finding(check="drift", column=column, value=1.0, level=level, message=message)


def test_the_reason_is_the_worst_finding_and_names_columns_of_the_same_level():
    found = [
        finding("ok", "All is well.", "a"),
        finding("warning", "Column b moved.", "b"),
        finding("alert", "Column c moved.", "c"),
        finding("alert", "Column d moved.", "d"),
    ]
    assert reason(found) == "Column c moved; and 2 more (also d)"
    assert [one.level for one in in_order(found)] == ["alert", "alert", "warning", "ok"]


def test_where_all_is_well_there_is_no_reason():
    assert reason([finding("ok", "All is well.")]) == reason([]) == ""
    assert worst([]) == "ok"
