"""Hostile queries by file: `-- name: …` starts one, {secret} and {out} stand for files, @x1000@ for a thousand letters."""

import re
from pathlib import Path


def queries(file: str) -> dict[str, str]:
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (.+)\n", text, flags=re.MULTILINE)[1:]
    return {name: sql.strip().replace("@x1000@", "x" * 1000) for name, sql in zip(parts[::2], parts[1::2], strict=True)}
