"""Jobs: the missing cells of one (mode, attribute or conversion), made in a worker; one that fails stops no other."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

import torch
from bridgebench.eval.records.directory import RunDirectory
from bridgebench.harness.benchmark.group import Group
from bridgebench.harness.benchmark.plan import Cell, is_done
from bridgebench.harness.benchmark.workbench import Setup, workbench
from bridgebench.methods.core.errors import CannotWrite, UserError
from bridgebench.methods.core.files import write_bytes


@dataclass(frozen=True)
class Job:
    """The missing cells of one (mode, attribute): the unit that is sent to a worker."""

    setup: Setup
    protocol_hash: str
    mode: str
    attribute: str
    cells: tuple[Cell, ...]


def run_job(job: Job) -> list[str]:
    """Edits, measures and stores the cells of a job; returns the names of those that failed.

    A cell that fails is recorded beside the place of its result and stops no other; so are all where data or judges are
    not there any more, or are others, or what they share cannot be made. Cells that are there already, of a worker that
    died later, are not done again.

    Raises:
        CannotWrite: the run directory; no cell could be stored.
    """
    try:
        bench = workbench(job.setup, job.protocol_hash)
        group = Group(bench, job.mode, job.attribute)
        group.write_samples()
    except CannotWrite:
        raise
    except UserError as error:  # they were there when the run was planned
        return _lose(job, f"What the run needs has changed meanwhile: {error}")
    except Exception as error:
        return _lose(job, _report(error))
    failed = []
    for cell in job.cells:
        if is_done(cell, bench.run):
            continue
        error_file = bench.run.error_file(*cell.place)
        try:
            group.run(cell, job.protocol_hash)
        except CannotWrite:
            raise
        except Exception as error:  # a method may raise anything; the other cells shall be done
            write_bytes(error_file, f"{_report(error)}\n".encode())
            failed.append("/".join(cell.place))
        else:
            error_file.unlink(missing_ok=True)
    return failed


def _report(error: Exception) -> str:
    """The traceback; its last line is what a summary says."""
    lines = "".join(traceback.format_exception(error)).rstrip()
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
        return f"{lines}\nOutOfMemory: more memory was asked for than there is: try --workers 1, or a smaller batch"
    return lines


def give_up(job: Job, cause: str) -> list[str]:
    """Records the cells that a job's workers died over; returns their names."""
    return _lose(job, f"WorkerDied: the worker died twice ({cause}), likely for want of memory: try --workers 1")


def _lose(job: Job, reason: str) -> list[str]:
    """Records why the cells of a job that are not there yet could not be made; returns their names."""
    run = RunDirectory(job.setup.run)
    lost = [cell for cell in job.cells if not is_done(cell, run)]
    for cell in lost:
        write_bytes(run.error_file(*cell.place), f"{reason}\n".encode())
    return ["/".join(cell.place) for cell in lost]
