"""`bridgebench records`: whether records are as their run left them, who says so, and what one sends to others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bridgebench.harness.commands.options import AsJson, command, names_of
from bridgebench.harness.commands.output import show, show_json
from bridgebench.methods.core.errors import UserError

app = typer.Typer(help="Check, sign, pack and unpack the records of a run.")
_FIELDS = (
    "records; files, how many the manifest names; manifest, its SHA-256; changes, each with kind (changed, missing or "
    "added) and path; signed_by, an identity or null."
)
_LONGEST = 200  # characters of a name that somebody gives himself
Records = Annotated[Path, typer.Argument(metavar="RUN_DIR|ARCHIVE", help="A run directory or a ...-records.zip.")]

RecordsOrAddress = Annotated[
    str, typer.Argument(metavar="RUN_DIR|ARCHIVE", help="A run directory, a ...-records.zip, or its hf:// address.")
]


def verify(
    records: RecordsOrAddress,
    identity: Annotated[str | None, typer.Option(help="Who is to have signed: an e-mail address, ...")] = None,
    issuer: Annotated[str | None, typer.Option(help="Who vouches for the identity: https://...")] = None,
    as_json: AsJson = False,
) -> None:
    """Tells what was changed, added or lost after a run.

    Exit code 1: something was. With --identity and --issuer the signature is checked, too.
    """
    from hashlib import sha256

    from bridgebench.eval.records.manifest import FILE, changes, read_manifest
    from bridgebench.harness.weights.hub import typed_archive

    if (identity is None) != (issuer is None):
        raise UserError("--identity and --issuer belong together: who signed, and who vouches for that name.")
    place = typed_archive(records)
    with _folder_of(place) as folder:
        manifest = read_manifest(folder, place)
        found = changes(folder, manifest)
        content = (folder / FILE).read_bytes()
    if identity is not None and issuer is not None:
        from bridgebench.eval.records.signature import check_signature
        from bridgebench.methods.core.files import read_bytes

        if not _signature_file(place).is_file():
            raise UserError(f"{place} is not signed: there is no {_signature_file(place)}.")
        check_signature(content, read_bytes(_signature_file(place)).decode(errors="replace"), identity, issuer)
    digest, count = sha256(content).hexdigest(), len(manifest.files)
    if as_json:
        listed = [{"kind": change.kind, "path": change.path} for change in found]
        show_json({"records": str(place), "files": count, "manifest": digest, "changes": listed, "signed_by": identity})
    else:
        for change in found:
            show(str(change))
        signed = f", which {identity} has signed" if identity else ""
        state = f"{len(found)} files are not" if found else f"All {count} files are"
        show(f"{state} as the manifest says{signed} (its SHA-256: {digest}).")
    raise typer.Exit(1 if found else 0)


def sign(records: Records) -> None:
    """Signs the records of a run with your name.

    sigstore opens a browser for you to log in; what you sign, and your name, are then in its public log for ever.
    """
    from bridgebench.eval.records.manifest import FILE, changes, read_manifest
    from bridgebench.eval.records.signature import sign as signature
    from bridgebench.methods.core.files import write_bytes

    with _folder_of(records) as folder:
        found = changes(folder, read_manifest(folder, records))
        content = (folder / FILE).read_bytes()
    if found:
        raise UserError(f"{records} was changed since its manifest was made ({found[0]}): it is not signed.")
    write_bytes(_signature_file(records), signature(content).encode())
    show(f"Wrote {_signature_file(records)}")


def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory.")],
    out: Annotated[Path, typer.Option(help="The archive to write, a .zip file.")],
    methods: Annotated[str | None, typer.Option(help="These methods alone, a,b,...; else all.")] = None,
    by: Annotated[str | None, typer.Option(help="Who made the run, in your words; leaderboards show it.")] = None,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Numbers and outcomes alone: a small archive, of the same tables.")
    ] = False,
) -> None:
    """Packs the records of a run into one file for others.

    Of data whose images must not be passed on, no image goes into it.
    """
    from bridgebench.eval.records.archive import zipped
    from bridgebench.eval.records.directory import RunDirectory
    from bridgebench.harness.processes.holder import writer
    from bridgebench.harness.processes.messages import LOGGER
    from bridgebench.methods.core.files import check_links, refuse_existing, remove_temporaries, write_bytes

    refuse_existing(out)
    if by is not None and (len(by) > _LONGEST or not by.isprintable()):
        raise UserError(f"--by takes one line of at most {_LONGEST} characters.")
    directory = RunDirectory(run)
    record = directory.read_run()
    check_links(run)
    by_whom = writer(run)
    if by_whom is not None:
        raise UserError(f"{run} is being written by {by_whom}: wait until its benchmark has ended.")
    if record.data.keeps_photos:
        LOGGER.info("The images of %s must not be passed on: the archive has none.", record.data.name)
    content = zipped(directory, images=not (record.data.keeps_photos or no_images), methods=names_of(methods), by=by)
    remove_temporaries(out.parent, out.name)  # of a call that was killed
    write_bytes(out, content)
    show(f"Wrote {out} ({len(content) / 1e6:.1f} MB)")


def unpack(
    archive: Annotated[
        str, typer.Argument(metavar="ARCHIVE", help="A ...-records.zip, whoever made it, or its hf:// address.")
    ],
    out: Annotated[Path, typer.Option(help="The run directory to make.")],
) -> None:
    """Makes a run directory of an archive, after it was checked.

    Nothing is written if a file in it was changed, is none of a run's, or would lie outside of the folder.
    """
    from bridgebench.eval.records.archive import unpack
    from bridgebench.harness.processes.messages import LOGGER
    from bridgebench.harness.weights.hub import typed_archive

    if not unpack(typed_archive(archive), out):
        LOGGER.warning("%s has no manifest, so that nobody can tell what was changed in it.", archive)
    show(f"Wrote {out}")


command(app, "verify", json_fields=_FIELDS)(verify)
command(app, "sign")(sign)
command(app, "pack")(pack)
command(app, "unpack")(unpack)


@contextmanager
def _folder_of(records: Path) -> Iterator[Path]:
    """The run directory, or a folder with the members of the archive."""
    from bridgebench.eval.records.archive import unzipped
    from bridgebench.methods.core.files import check_links

    if records.is_dir():
        check_links(records)
        yield records
    else:
        with unzipped(records) as folder:
            yield folder


def _signature_file(records: Path) -> Path:
    from bridgebench.eval.records.manifest import SIGNATURE

    return records / SIGNATURE if records.is_dir() else records.with_name(f"{records.name}.sigstore.json")
