from sql_features.expressions import connect
from workflow.data.splits import Splits

BIG = 2**53 + 1  # no double


def test_no_number_loses_digits_beside_a_gap(tmp_path):
    rows = f"({BIG}, 1.5, 123456789012345678.25, 0.5), (NULL, NULL, NULL, NULL)"
    with connect() as connection:
        connection.execute(
            "COPY (SELECT *, 1 AS target FROM (VALUES "
            f"{rows}) t(long, short, exact, double)) TO '{tmp_path / 'test.parquet'}'"
        ).fetchall()
        connection.execute(
            f"COPY (FROM '{tmp_path / 'test.parquet'}') TO '{tmp_path / 'train.parquet'}'"
        ).fetchall()
    splits = Splits("runs:/none/splits", tmp_path)
    raw, target = splits.read("test", splits.columns)
    assert [str(raw["long"][0]), str(raw["exact"][0])] == [str(BIG), "123456789012345678.25"]
    assert raw.isna().to_numpy().tolist() == [[False] * 4, [True] * 4]
    assert raw["short"].tolist()[0] == 1.5
    assert target.tolist() == [1, 1]
