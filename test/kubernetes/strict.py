"""Holds documents of KServe's kinds against its own schemas, strictly: a field that they do not name is a fault.

Usage: strict.py FILE...; a line for each document, exit code 1 if one does not fit. The schemas are those of the
CustomResourceDefinitions that KServe ships (Apache-2.0), without their descriptions.
"""

import gzip
import json
import sys
from pathlib import Path

import jsonschema
import yaml

schemas = json.loads(gzip.decompress(Path(__file__).with_name("kserve-schemas.json.gz").read_bytes()))


def strict(schema):
    """Refuses properties that are not named, as the API server's strict field validation does."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if made.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    return made


failed = False
for file in sys.argv[1:]:
    for document in yaml.safe_load_all(Path(file).read_text()):
        name = f"{document['apiVersion']} {document['kind']}"
        schema = strict(schemas[name])
        schema["properties"]["metadata"] = {"type": "object"}
        faults = list(jsonschema.Draft202012Validator(schema).iter_errors(document))
        failed = failed or bool(faults)
        print(name, "; ".join(f"{'/'.join(map(str, at.path))}: {at.message}" for at in faults) or "fits")
sys.exit(failed)
