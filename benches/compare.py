#!/usr/bin/env python3
"""Does the jobs of the benchmarks with DuckDB, on the same files, and prints both sides.

    benches/compare.py FOLDER [CRITERION]

FOLDER is a workspace for measuring (`make bench` makes it), CRITERION the folder that criterion writes its results to.
Consign's time of a job is read from `CRITERION/jobs/<job>/<customers>/new/estimates.json`: the benchmarks have a group
`jobs` with these functions and the number of customers as their parameter. A job without a result is left blank.
"""

import json
import os
import pathlib
import sys
import tempfile
import time

THREADS = os.cpu_count() or 1

# The first 8 bytes of SHA-256(split key, 0x1F, customer key) as an integer: the position of a customer.
POSITION = "CAST('0x' || substr(sha256('churn_prevention' || chr(31) || c.customer_id), 1, 16) AS UBIGINT)"

AUDIENCE = """
FROM customers c JOIN profiles p USING (customer_id)
WHERE p.lifetime_value >= 20 AND p.email_opt_in IS NOT FALSE
"""

# Each job: what it is called in the benchmarks, and what DuckDB does; {out} is a file to write.
JOBS = {
    "count_segment": """
        SELECT count(*) FROM profiles
        WHERE lifetime_value >= 50 AND lifecycle_status = 'active' AND email_opt_in
    """,
    "assign_4x3": f"""
        WITH placed AS (
            SELECT CASE p.lifecycle_status
                       WHEN 'active' THEN 1 WHEN 'cooling_down' THEN 2 WHEN 'at_risk' THEN 3 ELSE 4 END AS sub_audience,
                   {POSITION} AS position
            {AUDIENCE}
        )
        SELECT sub_audience,
               CASE WHEN position < 1844674407370955161 THEN 0
                    WHEN position < 10145709240540253388 THEN 1 ELSE 2 END AS treatment,
               count(*)
        FROM placed GROUP BY ALL
    """,
    "hash_and_encode": f"""
        COPY (
            SELECT sha256(lower(trim(c.email))) AS email,
                   sha256(CASE WHEN c.phone LIKE '+%' THEN '+' || regexp_replace(c.phone, '[^0-9]', '', 'g')
                               ELSE '+1' || right(regexp_replace(c.phone, '[^0-9]', '', 'g'), 10) END) AS phone
            {AUDIENCE} AND c.email LIKE '%_@_%._%' AND length(c.phone) >= 10
        ) TO '{{out}}' (FORMAT json)
    """,
    "export_csv": f"""
        COPY (
            SELECT c.customer_id, c.email, c.phone, c.given_name, c.surname, p.lifecycle_status, p.lifetime_value
            {AUDIENCE}
        ) TO '{{out}}' (FORMAT csv, HEADER)
    """,
}


def by_duckdb(folder):
    """The seconds of each job, the best of three; none where Python has no duckdb."""
    try:
        import duckdb
    except ImportError:
        print("DuckDB is left out: python3 has no module `duckdb` (pip install duckdb)")
        return {}
    connection = duckdb.connect(config={"threads": THREADS})
    for view, table in [("customers", "Merged_Customers"), ("profiles", "Customer_360"), ("orders", "Orders")]:
        path = str(folder / "data" / f"{table}.parquet").replace("'", "''")
        connection.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet('{path}')")
    seconds = {}
    with tempfile.TemporaryDirectory() as scratch:
        for job, sql in JOBS.items():
            times = []
            for _ in range(3):
                start = time.perf_counter()
                connection.execute(sql.format(out=f"{scratch}/{job}")).fetchall()
                times.append(time.perf_counter() - start)
            seconds[job] = min(times)
    print(f"DuckDB {duckdb.__version__}, {THREADS} threads, the best of three")
    return seconds


def by_consign(criterion, customers):
    """The seconds of each job that criterion has measured for that many customers."""
    seconds = {}
    for job in JOBS:
        estimates = criterion / "jobs" / job / str(customers) / "new" / "estimates.json"
        if estimates.exists():
            seconds[job] = json.loads(estimates.read_text())["median"]["point_estimate"] / 1e9
    return seconds


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    criterion = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else "target/criterion")
    if not (folder / "data" / "Orders.parquet").exists():
        sys.exit(f"{folder} is no workspace for measuring: make one with `make bench`")
    consign, duckdb = by_consign(criterion, folder.name), by_duckdb(folder)

    def shown(seconds):
        return "-" if seconds is None else f"{seconds:.3f} s"

    print(f"\n{folder.name} customers\n\n| job | Consign | DuckDB | DuckDB / Consign |\n| --- | ---: | ---: | ---: |")
    for job in JOBS:
        ours, theirs = consign.get(job), duckdb.get(job)
        ratio = f"{theirs / ours:.1f}" if ours and theirs else "-"
        print(f"| {job} | {shown(ours)} | {shown(theirs)} | {ratio} |")


if __name__ == "__main__":
    main()
