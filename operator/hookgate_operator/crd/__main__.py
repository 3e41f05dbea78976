"""
``python -m hookgate_operator.crd CHECKOUT``: write the files that are made from the resource models.
"""

import sys
from pathlib import Path

from hookgate_operator.crd.generated import generated_files

if __name__ == "__main__":
    for path, text in generated_files().items():
        file = Path(sys.argv[1], path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
