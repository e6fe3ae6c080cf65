"""Writes the Parquet files beside the CSV that each must read as. The ones here are of pyarrow 26.0.1."""
import csv, datetime as dt, decimal
import pyarrow as pa, pyarrow.parquet as pq
n = 23
D = decimal.Decimal
def each(f): return [None if i % 7 == 3 else f(i) for i in range(n)]
columns = {
  "double": (pa.float64(), [i / 10 - 1 for i in range(n)]),
  "single": (pa.float32(), [i / 10 for i in range(n)]),
  "half": (pa.float16(), [i / 4 for i in range(n)]),
  "missing": (pa.float64(), each(lambda i: i * 1.5)),
  "byte": (pa.int8(), [i - 11 for i in range(n)]),
  "word": (pa.uint32(), [2**32 - 1 - i for i in range(n)]),
  "long": (pa.int64(), each(lambda i: -i * 10**13)),
  "account": (pa.int64(), [10**17 + i for i in range(n)]),
  "unsigned": (pa.uint64(), [2**64 - 1 - i % 3 for i in range(n)]),
  "truth": (pa.bool_(), each(lambda i: i % 3 == 0)),
  "text": (pa.string(), each(lambda i: ["", "no", "yes, \"so\"", "naïve\n"][i % 4])),
  "dictionary": (pa.dictionary(pa.int32(), pa.string()), each(lambda i: "abc"[i % 3])),
  "money": (pa.decimal128(9, 2), each(lambda i: D(i * 125 - 300) / 100)),
  "sum": (pa.decimal128(30, 1), each(lambda i: D(i - 9) / 10)),
  "day": (pa.date32(), each(lambda i: dt.date(1969, 12, 20) + dt.timedelta(days=i))),
  "instant": (pa.timestamp("ms", "UTC"), each(lambda i: dt.datetime(2024, 2, 28, 23, 0, i, tzinfo=dt.timezone.utc))),
  "local": (pa.timestamp("us"), each(lambda i: dt.datetime(1960, 1, 1, 12, 30, i, 500000))),
}
def text(name, v):
    if v is None: return ""
    if isinstance(v, bool): return str(int(v))
    if name == "instant": return v.strftime("%Y-%m-%dT%H:%M:%SZ")
    if name == "local": return v.strftime("%Y-%m-%dT%H:%M:%S.5")
    return str(v)
with open("expected.csv", "w", newline="") as f:
    w = csv.writer(f)
    w.writerow(columns)
    for i in range(n): w.writerow([text(k, v[i]) for k, (_, v) in columns.items()])
table = pa.table({k: pa.array(v, t) for k, (t, v) in columns.items()})
pq.write_table(table, "snappy.parquet", row_group_size=9)
pq.write_table(table, "plain.parquet", compression="none", use_dictionary=False, store_schema=False)
pq.write_table(table, "gzip.parquet", compression="gzip", data_page_version="2.0", use_dictionary=False, data_page_size=64,
  column_encoding={"double":"BYTE_STREAM_SPLIT","byte":"DELTA_BINARY_PACKED","long":"DELTA_BINARY_PACKED","text":"DELTA_BYTE_ARRAY","account":"DELTA_BINARY_PACKED","single":"BYTE_STREAM_SPLIT","truth":"RLE"}, store_schema=False)
pq.write_table(table, "lz4.parquet", compression="lz4", version="1.0", store_schema=False)
pq.write_table(table.select(["double","text"]), "zstd.parquet", compression="zstd", store_schema=False)
pq.write_table(pa.table({"a": [1,2], "list": [[1],[2,3]]}), "nested.parquet", store_schema=False)
pq.write_table(pa.table({"t": pa.array([1,2], pa.timestamp("ns"))}), "int96.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
pq.write_table(pa.table({"x": pa.array([], pa.float64())}), "empty.parquet", store_schema=False)
pq.write_table(pa.table({"x": pa.array([None, None]), "f": pa.array([float("inf"), 1.0])}), "odd.parquet", store_schema=False)
