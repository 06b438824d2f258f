"""Asks a running server whatever its OpenAPI document allows, and much that it does not (schemathesis).

No answer may be a 5xx, or have a status, a content type or a body that the document does not name.
Usage: contract.py http://HOST:PORT SEED EXAMPLES (of each operation).
"""

import subprocess
import sys
from pathlib import Path

url, seed, examples = sys.argv[1:]
command = [
    str(Path(sys.executable).with_name("st")),
    "run",
    f"{url}/docs-json",
    "--phases=examples,coverage,fuzzing",
    "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
    f"--seed={seed}",
    f"--max-examples={examples}",
    "--generation-database=none",
    "--request-timeout=20",
    "--warnings=off",
    "--no-color",
    "--continue-on-failure",
]
# Last what takes models away from the other calls.
control = "/(load|unload)$"
for selection in (f"--exclude-path-regex={control}", f"--include-path-regex={control}"):
    code = subprocess.run([*command, selection]).returncode
    if code != 0:
        sys.exit(code)
