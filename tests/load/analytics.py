#!/usr/bin/env python3
"""How fast the analytics are beside the field's Python libraries, and whether they find the same.

    python3 tests/load/analytics.py

BG/NBD and Gamma-Gamma are fitted to both CDNOW logs by `lifetimes`, item sets are mined from a made-up log by `mlxtend`,
and both by `shared/analytics` (its example `measure`, optimised): the same data, the same machine, one after the other.
Times are processor time of the fit or the search alone, without reading; of Python the best of a few runs counts.
Log-likelihoods of both sides' parameters are computed by `lifetimes`, on time in weeks. The Python packages go to
target/analytics-venv, the logs to target/cdnow. The last line is `N passed, N failed`.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "target/analytics-venv"
LIST = Path(__file__).resolve().parent / "requirements-analytics.txt"
LOGS = ROOT / "target/cdnow"
BASKETS = ROOT / "target/baskets.txt"
# How many times as fast we have to be.
FITS, MINING = 10, 20
UNTIL = "1997-09-30"
RUNS = 5


def prepare():
    """The environment is made when it is missing or its list changed; then this script runs in it."""
    wanted, mark = LIST.read_text(encoding="utf-8"), VENV / "installed.txt"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != wanted:
        print(f"installing Python packages under {VENV.relative_to(ROOT)}", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.check_call([sys.executable, "-m", "venv", str(VENV)])
        pip = [str(VENV / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.check_call([*pip, "-r", str(LIST)])
        mark.write_text(wanted, encoding="utf-8")
    os.execv(VENV / "bin/python", [str(VENV / "bin/python"), __file__])


def build():
    """Our program and the logs."""
    subprocess.check_call(["cargo", "xtask", "cdnow", str(LOGS)], cwd=ROOT)
    subprocess.check_call(["cargo", "build", "--quiet", "--release", "--package", "rapport-analytics", "--example", "measure"], cwd=ROOT)
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/examples/measure"


def ask(program, *words):
    return json.loads(subprocess.check_output([str(program), *map(str, words)], text=True))


def timed(call):
    """The least processor time of some runs, and the last result."""
    least = float("inf")
    for _ in range(RUNS):
        before = time.process_time()
        result = call()
        least = min(least, time.process_time() - before)
    return least, result


class Table:
    def __init__(self):
        self.passed = self.failed = 0
        print(f"{'':38}{'Python, ms':>12}{'ours, ms':>12}{'ratio':>8}  result")

    def line(self, what, theirs, ours, wanted, same, result):
        ratio = theirs / ours
        good = ratio >= wanted and same
        self.passed, self.failed = self.passed + good, self.failed + (not good)
        verdict = "" if good else f"  FAILED (wanted {wanted} ×)"
        print(f"{what:38}{theirs * 1e3:12.2f}{ours * 1e3:12.2f}{ratio:8.1f}  {result}{verdict}", flush=True)


def summary(log):
    """x, t_x, T in weeks and the mean repeat purchase of each customer, as `lifetimes` makes them."""
    import pandas
    from lifetimes.utils import summary_data_from_transaction_data

    lines = [line.split() for line in log.read_text(encoding="ascii").splitlines()]
    rows = [line[-4:] for line in lines if len(line) >= 4 and line[-3].isdigit()]
    purchases = pandas.DataFrame(
        {
            "customer": [row[0] for row in rows],
            "date": pandas.to_datetime([row[1] for row in rows], format="%Y%m%d"),
            "amount": [float(row[3]) for row in rows],
        }
    )
    return summary_data_from_transaction_data(
        purchases, "customer", "date", "amount", observation_period_end=UNTIL, freq="D", freq_multiplier=7
    )


def fits(table, program, name):
    import numpy
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    log = LOGS / f"CDNOW_{name}.txt"
    customers = summary(log)
    spending = customers[(customers.frequency > 0) & (customers.monetary_value > 0)]
    ours = ask(program, "fit", log, UNTIL.replace("-", ""))
    assert (ours["customers"], ours["repeat_purchases"], ours["repeaters"]) == (len(customers), int(customers.frequency.sum()), len(spending))
    x, recency, age = (customers[column].to_numpy(dtype=float) for column in ("frequency", "recency", "T"))
    count, mean = (spending[column].to_numpy(dtype=float) for column in ("frequency", "monetary_value"))
    seconds, fitter = timed(lambda: BetaGeoFitter().fit(x, recency, age))
    spend_seconds, spend_fitter = timed(lambda: GammaGammaFitter().fit(count, mean))
    negative = BetaGeoFitter._negative_log_likelihood
    parts = [
        ("BG/NBD", "bg_nbd", seconds, fitter, lambda p: -len(x) * negative(numpy.log(p), x, recency, age, numpy.ones_like(x), 0)),
        (
            "Gamma-Gamma",
            "gamma_gamma",
            spend_seconds,
            spend_fitter,
            lambda p: -len(count) * GammaGammaFitter._negative_log_likelihood(numpy.log(p), count, mean, numpy.ones_like(count), 0),
        ),
    ]
    both = [0.0, 0.0]
    for what, key, seconds, fitter, likelihood in parts:
        theirs, found = likelihood(fitter.params_.to_numpy()), likelihood(numpy.array(ours[key]["parameters"]))
        both = [both[0] + seconds, both[1] + ours[key]["seconds"]]
        same = found >= theirs - 1e-4
        note = f"log-likelihood {found:.4f}, theirs {theirs:.4f}"
        table.line(f"{what}, {name}: {len(customers):,} customers", seconds, ours[key]["seconds"], FITS, same, note)
    table.line(f"both fits, {name}", *both, FITS, True, "")


def made_up_baskets():
    """10,000 baskets over 300 products of falling popularity; half of them hold one of forty patterns. From a fixed seed."""
    chance = random.Random(20)
    popularity = [1 / (rank + 1) ** 0.8 for rank in range(300)]
    patterns = [chance.sample(range(300), chance.randint(2, 5)) for _ in range(40)]
    baskets = []
    for _ in range(10_000):
        basket = set(chance.choices(range(300), popularity, k=chance.randint(2, 10)))
        if chance.random() < 0.5:
            basket |= set(chance.choice(patterns))
        baskets.append(sorted(basket))
    BASKETS.write_text("".join(" ".join(map(str, basket)) + "\n" for basket in baskets), encoding="ascii")
    return baskets


def mining(table, program):
    import pandas
    from mlxtend.frequent_patterns import fpgrowth
    from mlxtend.preprocessing import TransactionEncoder

    baskets = made_up_baskets()
    encoder = TransactionEncoder()
    encoded = pandas.DataFrame(encoder.fit(baskets).transform(baskets), columns=encoder.columns_)
    for support in (100, 20):
        # The library asks for a share, and a count has to reach it.
        seconds, found = timed(lambda: fpgrowth(encoded, min_support=support / len(baskets), use_colnames=True))
        theirs = {frozenset(items): round(share * len(baskets)) for items, share in zip(found.itemsets, found.support)}
        ours = ask(program, "baskets", BASKETS, support, 12)
        same = {frozenset(items): count for items, count in ours["sets"]} == theirs and len(ours["sets"]) == len(theirs)
        note = f"{len(theirs):,} item sets, {'the same' if same else 'NOT the same'}"
        table.line(f"FP-growth, {len(baskets):,} baskets, ≥ {support}", seconds, ours["seconds"], MINING, same, note)


def main():
    if Path(sys.prefix).resolve() != VENV.resolve():
        prepare()
    warnings.simplefilter("ignore")
    program = build()
    table = Table()
    for name in ("sample", "master"):
        fits(table, program, name)
    mining(table, program)
    print(f"{table.passed} passed, {table.failed} failed")
    return table.failed > 0


if __name__ == "__main__":
    sys.exit(main())
