"""`make docs` writes what is generated from the sources; a test fails when a committed file is stale."""

import json
from pathlib import Path

from infra import discovery, openapi, reference, tables
from infra.catalogue import Catalogue, checked
from infra.discovery import CODE_LAYER, REPOSITORY

REFERENCE = CODE_LAYER / "python" / "drumbeat" / "reference"


def declared() -> Catalogue:
    """What is documented. Raises Mistake when it cannot be deployed."""
    return checked(discovery.functions(), discovery.documented())


def generated(catalogue: Catalogue) -> dict[Path, str]:
    """Every generated file and its text."""
    document = openapi.document(catalogue)
    return {
        REFERENCE / "openapi.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        REFERENCE / "docs.html": reference.page(document),
        REPOSITORY / "functions" / "README.md": tables.functions(catalogue),
        CODE_LAYER / "README.md": tables.layer(),
    }


def main() -> None:
    for path, text in generated(declared()).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
