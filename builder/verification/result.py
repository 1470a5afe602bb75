"""The result of a verification."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.resources import files

from m2build.errors import ContentError, PolicyError
from m2build.oci.descriptor import JsonObject
from m2build.verification.findings import POLICY, SIGNATURES, Finding
from m2build.verification.sarif import sarif_log


@dataclass(frozen=True)
class Verification:
    """What was verified, and what was found.

    Attributes:
        place: where the image is.
        digest: the digest of what its name refers to; None if it cannot be read.
        recipe: the recipe that it was verified against; None if its labels name none.
        profile: its profile.
        model: its model.
        base: the name of the base, or the stand-in's.
        base_digest: the digest of what that name refers to; None if the base's place does not keep it.
        base_layers: how many of the image's layers are the base's.
        content: the digest of how it differs from the base, as `m2build inspect` gives it.
        signed: what the signer has signed of it: the kinds of statements, as predicate types; cosign's
            signature of the image itself is one. Empty without a key.
        unproven: sentences about what the image says of its base, and the place of that base cannot prove.
        findings: the differences; none if the image is proven.
    """

    place: str
    digest: str | None = None
    recipe: str | None = None
    profile: str | None = None
    model: str | None = None
    base: str | None = None
    base_digest: str | None = None
    base_layers: int = 0
    content: str | None = None
    signed: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def checked(self) -> Verification:
        """This verification, if nothing was found.

        Raises:
            ContentError: something was found; the message says how much. Or the image is not signed as it has to be.
            PolicyError: only rules of the user's are broken; the message names the first, the details the others.
        """
        if any(finding.id not in SIGNATURES and not finding.id.startswith(POLICY) for finding in self.findings):
            count = len(self.findings)
            raise ContentError(
                f"{self.place} is not what recipe and base give: {count} finding{'s' * (count > 1)}",
                hint="do not run it; docs/verify.md explains each finding",
            )
        proven = f"{self.place} is what recipe and base give, but"
        for finding in self.findings:
            if finding.id in SIGNATURES:
                hint = "check that this is the signer's public key; docs/signing.md says what is checked"
                raise ContentError(f"{proven} {finding.message}", hint=hint)
        if self.findings:
            first, *others = (f"{finding.path}: {finding.message}" for finding in self.findings)
            raise PolicyError(
                f"{proven} breaks the rule {first}",
                hint="the rules are those of --require; docs/policy.md explains them",
                details=others,
            )
        return self

    def document(self) -> JsonObject:
        """The verification as JSON."""
        return {
            "image": {"place": self.place, "digest": self.digest},
            "origin": {"recipe": self.recipe, "profile": self.profile, "model": self.model},
            "base": {"name": self.base, "digest": self.base_digest, "layers": self.base_layers},
            "content": self.content,
            "signed": list(self.signed),
            "unproven": list(self.unproven),
            "passes": self.passes,
            "findings": [asdict(finding) for finding in self.findings],
        }

    @staticmethod
    def schema_text() -> str:
        """The text of the document's JSON Schema.

        Example:
            >>> '"findings"' in Verification.schema_text()
            True
        """
        return files(__package__).joinpath("verification.schema.json").read_text(encoding="utf-8")

    def sarif(self) -> JsonObject:
        """The findings as a SARIF 2.1.0 log, for code scanning services and dashboards."""
        about: JsonObject = {"image": self.place, "digest": self.digest, "content": self.content}
        if self.unproven:
            about["unproven"] = list(self.unproven)
        return sarif_log(self.findings, self.place, about)
