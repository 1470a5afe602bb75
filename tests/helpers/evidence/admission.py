"""What the projects' definitions say of the policies' fields, as JSON Schema: as much as m2build's policies use.

Kyverno's from config/crds/policies.kyverno.io/policies.kyverno.io_imagevalidatingpolicies.yaml of kyverno/kyverno at
111e07bbecc66abfde36ab99969af22d7a961003, version v1; policy-controller's from config/300-clusterimagepolicy.yaml of
sigstore/policy-controller at f925c0c1a412910787a7f045581fa9d5ed09a20a, version v1beta1, and from the checks in
pkg/apis/policy/v1beta1/clusterimagepolicy_validation.go. A cluster drops unknown fields: here they are errors.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}


def fields(*required: str, **members: Schema) -> Schema:
    return {"type": "object", "properties": members, "required": list(required), "additionalProperties": False}


def some(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def one_of(*keys: str) -> Schema:
    return {"oneOf": [{"required": [key]} for key in keys]}


def resource(version: str, kind: str, spec: Schema) -> Schema:
    return fields(
        *("apiVersion", "kind", "metadata", "spec"),
        apiVersion={"const": version}, kind={"const": kind}, metadata=fields("name", name=NAME), spec=spec,
    )  # fmt: skip


IDENTITY = fields(issuer=TEXT, issuerRegExp=TEXT, subject=TEXT, subjectRegExp=TEXT)

KYVERNO = resource(
    "policies.kyverno.io/v1",
    "ImageValidatingPolicy",
    fields(
        *("attestors", "validations"),
        failurePolicy={"enum": ["Ignore", "Fail"]},
        validationActions={**some({"enum": ["Deny", "Audit", "Warn"]}), "uniqueItems": True},
        webhookConfiguration=fields(timeoutSeconds={"type": "integer", "minimum": 1, "maximum": 30}),
        matchConstraints=fields(
            resourceRules=some(
                fields(apiGroups=some({"type": "string"}), apiVersions=some(TEXT), operations=some(TEXT),
                       resources=some(TEXT))
            )
        ),
        matchImageReferences=some({**fields(glob=TEXT, expression=TEXT), **one_of("glob", "expression")}),
        attestors=some(
            fields(
                "name",
                name=TEXT,
                cosign={
                    **fields(
                        key=fields(data=TEXT, kms=TEXT, hashAlgorithm=TEXT),
                        ctlog=fields(insecureIgnoreTlog=FLAG, insecureIgnoreSCT=FLAG, url=TEXT),
                        keyless=fields("identities", identities=some(IDENTITY)),
                    ),
                    **one_of("key", "keyless"),
                },
            )
        ),
        attestations=some(fields("name", name=TEXT, intoto=fields("type", type=TEXT))),
        validations=some(fields("expression", expression=TEXT, message=TEXT)),
    ),
)  # fmt: skip

SIGSTORE = resource(
    "policy.sigstore.dev/v1beta1",
    "ClusterImagePolicy",
    fields(
        *("images", "authorities"),
        mode={"enum": ["enforce", "warn"]},
        # pkg/apis/glob/glob.go, validGlob
        images=some(fields("glob", glob={"type": "string", "pattern": r"^[a-zA-Z0-9\-_:/*.@]+$"})),
        authorities=some(
            {
                **fields(
                    name=TEXT,
                    # pkg/webhook/validator.go, checkOptsFromAuthority: bundles of keyless authorities only
                    signatureFormat={"enum": ["legacy", "bundle"]},
                    keyless=fields("url", "identities", url=TEXT, identities=some(IDENTITY)),
                    attestations=some(
                        fields(
                            *("name", "predicateType"),
                            name=TEXT, predicateType={"type": "string", "pattern": "^https?://"},
                        )
                    ),
                ),
                **one_of("keyless"),
            }
        ),
    ),
)  # fmt: skip
