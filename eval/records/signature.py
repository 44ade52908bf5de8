"""Signatures of manifests by sigstore (the extra ``sign``): who says that these are the records of a run.

sigstore needs no keys. The signer proves an identity (an e-mail address, a workflow of a repository) to an identity
provider; the signature and a certificate with the identity are one text, the bundle, and are in a public log. Both
calls use the network; no other part of bridgebench does.
"""

from __future__ import annotations

from bridgebench.methods.core.errors import UserError


def sign(manifest: bytes) -> str:
    """Signs the bytes of a manifest as the workflow that calls this, or as the person who logs in by a browser.

    Returns:
        The bundle, a JSON text.

    Raises:
        UserError: sigstore cannot be reached, or nobody has logged in.
    """
    from sigstore.errors import Error
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken, Issuer, detect_credential
    from sigstore.sign import SigningContext

    try:
        trust = ClientTrustConfig.production()
        credential = detect_credential()
        provider = Issuer(trust.signing_config.get_oidc_url())
        token = IdentityToken(credential) if credential else provider.identity_token()
        with SigningContext.from_trust_config(trust).signer(token) as signer:
            return signer.sign_artifact(manifest).to_json()
    except (Error, OSError) as error:
        raise UserError(f"The manifest could not be signed ({_reason(error)}); nothing was written.") from error


def check_signature(manifest: bytes, bundle: str, identity: str, issuer: str) -> None:
    """Checks that a bundle is a signature of these bytes by this identity.

    Args:
        manifest: the bytes of the manifest.
        bundle: what :func:`sign` gave.
        identity: who is to have signed: an e-mail address, or the address of a workflow.
        issuer: who vouches for the identity, such as ``https://accounts.google.com``.

    Raises:
        UserError: it is not, or sigstore's keys cannot be fetched.
    """
    from sigstore.errors import Error
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    try:
        signature = Bundle.from_json(bundle)
        Verifier.production().verify_artifact(manifest, signature, Identity(identity=identity, issuer=issuer))
    except (Error, OSError, ValueError) as error:
        raise UserError(f"The signature is not one of this manifest by {identity} ({_reason(error)}).") from error


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
