"""Times Clockwork's training step in turns with a textbook PyTorch step of the same network.

usage: compare.py [--rounds N] [--threads N] [--binary FILE] [--python FILE]

PyTorch comes from PyPI into a virtual environment that is thrown away, unless --python names an
interpreter that has it. Both sides train the paper's network on 3830 pairs, each warm. PyTorch's time is
that of its steps alone; Clockwork's is that of `clockwork train` from step 100 on, with an evaluation on
all pairs and a checkpoint every 100 steps among them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The steps of a Clockwork run between which it is timed.
FROM, TO = 100, {"closed-form": 500, "autodiff": 200}


def default_binary():
    target = os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")
    return Path(target) / "release" / "clockwork"


def with_torch(directory):
    venv.create(directory, with_pip=True)
    python = Path(directory) / "bin" / "python"
    print("installing torch and numpy from PyPI ...", file=sys.stderr)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "torch", "numpy"], check=True)
    return python


def clockwork(binary, threads, gradient):
    """Milliseconds per step."""
    to = TO[gradient]
    with tempfile.TemporaryDirectory() as runs:
        steps = {"training.max_steps": to, "training.eval_every": FROM, "training.checkpoint_every": FROM}
        settings = [f"--set={key}={value}" for key, value in steps.items()]
        command = [binary, "train", "--quiet", "--name=r", f"--runs-dir={runs}", f"--threads={threads}"]
        subprocess.run([*command, f"--set=training.gradient={gradient}", *settings], check=True)
        lines = (Path(runs) / "r" / "metrics.jsonl").read_text().splitlines()
        elapsed = {row["step"]: row["elapsed_s"] for row in map(json.loads, lines)}
        return 1e3 * (elapsed[to] - elapsed[FROM]) / (to - FROM)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--binary", type=Path, default=default_binary())
    parser.add_argument("--python", type=Path, help="an interpreter that has torch")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        python = args.python or with_torch(directory)
        peer = [python, HERE / "textbook_step.py", "30", str(args.threads)]
        times = {"textbook PyTorch": [], "Clockwork, autodiff": [], "Clockwork": []}
        for i in range(args.rounds):
            run = subprocess.run(peer, check=True, capture_output=True, text=True)
            answer = json.loads(run.stdout)
            times["textbook PyTorch"].append(answer["ms_per_step"])
            times["Clockwork"].append(clockwork(args.binary, args.threads, "closed-form"))
            times["Clockwork, autodiff"].append(clockwork(args.binary, args.threads, "autodiff"))
            print(f"round {i + 1}: " + ", ".join(f"{name} {t[-1]:.1f} ms" for name, t in times.items()))
    print(f"\nPyTorch {answer['torch']}, {args.threads} threads, medians of {args.rounds} rounds")
    slowest = statistics.median(times["textbook PyTorch"])
    for name, of_rounds in times.items():
        median = statistics.median(of_rounds)
        spread = f"{min(of_rounds):.1f} to {max(of_rounds):.1f}"
        print(f"{name:<20} {median:6.1f} ms per step ({spread})  {slowest / median:5.1f} times PyTorch's speed")


if __name__ == "__main__":
    main()
