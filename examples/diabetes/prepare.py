"""Write down the diabetes data set that scikit-learn ships: stage `prepare` of dvc.yaml."""

from __future__ import annotations

from pathlib import Path

from sklearn.datasets import load_diabetes

DATA = Path(__file__).parent / "data" / "diabetes.csv"


def main() -> None:
    DATA.parent.mkdir(exist_ok=True)
    frame = load_diabetes(as_frame=True, scaled=False).frame
    frame.rename(columns={"target": "progression"}).to_csv(DATA, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
