import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.addresses import (
    has_user,
    joined,
    lacks_query,
    query,
    stripped,
    stripped_text,
    with_query,
)

SECRET = "hush"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host:8080/x.csv", "https://host:8080/x.csv"),
        ("https://host/a@b.csv", "https://host/a@b.csv"),
        ("http://[::1]:5000/x.csv", "http://[::1]:5000/x.csv"),
        ("https://host/x.csv?X-Amz-Signature=hu/sh", "https://host/x.csv?..."),
        ("https://host/x.csv?sig=hush#hush", "https://host/x.csv?..."),
        ("https://host/x.csv#token=hush", "https://host/x.csv"),
        ("https://host/x.csv?", "https://host/x.csv"),
        ("https://me:hush@host/x.csv?hush", "https://host/x.csv?..."),
        ("https://hush@host/x.csv", "https://host/x.csv"),
        ("s3://AKIAhush:hush/hush+@bucket/x.csv", "s3://bucket/x.csv"),
        ("s3://bucket/202?/x?.csv", "s3://bucket/202?/x?.csv"),
        ("s3://bucket/x.csv?X-Amz-Signature=hu/sh", "s3://bucket/x.csv?..."),
        ("s3://arn:aws:s3:eu-west-1:1:accesspoint/a/x.csv",) * 2,
        (
            "postgresql+psycopg2://me:hush@host/db?password=hush",
            "postgresql+psycopg2://host/db?...",
        ),
        ("simplecache::https://me:hush@host/x.csv", "simplecache::https://host/x.csv"),
        (" https://me:hush@host/x.csv", " https://host/x.csv"),
        ("sqlite:////tmp/mlflow.db", "sqlite:////tmp/mlflow.db"),
        ("https://me:hush", "https://"),  # cut off within
        ("/data/202?/x.csv", "/data/202?/x.csv"),
        ("file:///data/202?/x.csv", "file:///data/202?/x.csv"),
        ("models:/trips@champion", "models:/trips@champion"),
        ("green_taxi", "green_taxi"),
    ],
)
def test_users_and_queries_are_stripped_and_all_else_stays(address, shown):
    assert stripped(address) == shown
    assert stripped(shown) == shown
    assert stripped_text(f"cannot read '{address}': gone.") == f"cannot read '{shown}': gone."
    assert has_user(address) == ("hush@" in address or "+@" in address or shown == "https://")


@given(st.text("ab/?#@:.%&=+~[]", max_size=8), st.text("ab/@:%&=+~.[]", max_size=8))
def test_whatever_a_password_holds_it_is_stripped(before, after):
    password = f"{before}{SECRET}{after}"
    for address in (f"https://me:{password}@host/x.csv", f"s3://me:{password}@host/x.csv"):
        assert SECRET not in stripped(address)
        assert SECRET not in stripped_text(f"cannot read {address}.")
        assert has_user(address)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("403, url='https://h/x?sig=hu%2Fsh'", "403, url='https://h/x?...'"),
        ("see (https://me:hush@h/x?y=1).", "see (https://h/x?...)."),
        ("https://a/x?b=1, https://me:h'ush@b/z?q; end", "https://a/x?..., https://b/z?...; end"),
        ("cannot reach https://host: timeout", "cannot reach https://host: timeout"),
        (
            "exceeded with url: /bucket/x?sig=hush (Caused by",
            "exceeded with url: /bucket/x?... (Caused by",
        ),
        ("403, message='no /x?sig=hu/sh', url", "403, message='no /x?...', url"),
        ("no ('/b/x?sig=hush').", "no ('/b/x?...')."),
        ("no file /data/202?.csv, /data/a?b", "no file /data/202?.csv, /data/a?b"),
        ("https://host/x?... it is.", "https://host/x?... it is."),
        ("ends in https://host/x?....", "ends in https://host/x?...."),
        ("a ? b :// c", "a ? b :// c"),
    ],
)
def test_every_address_in_a_text_is_stripped(text, shown):
    assert stripped_text(text) == shown


@pytest.mark.parametrize("place", ["https://host/x.csv", "s3://bucket/x.csv"])
def test_a_query_that_was_left_out_can_be_put_back(place):
    whole = f"{place}?X-Amz-Signature=a/b%2F=="
    assert query(whole) == "X-Amz-Signature=a/b%2F=="
    assert lacks_query(stripped(whole))
    assert not lacks_query(whole)
    assert query(stripped(whole)) == ""
    assert with_query(stripped(whole), query(whole)) == whole
    assert with_query(stripped(whole), "?" + query(whole)) == whole


def test_a_file_below_an_address_keeps_its_query():
    assert joined("https://host/trips/?key=a/b", "a.csv") == "https://host/trips/a.csv?key=a/b"
    assert joined("https://host/trips?...", "a.csv") == "https://host/trips/a.csv?..."
    assert joined("s3://bucket/trips/", "a.csv") == "s3://bucket/trips/a.csv"
