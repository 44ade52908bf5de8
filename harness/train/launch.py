"""Starts the processes of a training: this process alone, several on this machine, or those started by torchrun."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable
from functools import partial
from multiprocessing.queues import SimpleQueue
from typing import TypeVar

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import TorchElasticEnvironment
from torch import distributed
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

from bridgebench.harness.processes.messages import Loudness, loudness, start_messages
from bridgebench.harness.processes.stopping import Stopped, StopRequest
from bridgebench.methods.core.errors import UserError

# Imported in each process before they connect; Lightning would print seven lines about the connection.
for _name in ("lightning.fabric", "lightning.pytorch"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Result = TypeVar("Result")
Work = Callable[[Fabric], Result]


def launch(work: Work[Result], devices: int) -> Result:
    """Calls `work` in `devices` processes (per machine, under torchrun) that can exchange tensors.

    Args:
        work: picklable; its argument is the process's Fabric, which knows the rank and the device of the process.
        devices: number of processes; with 1, `work` runs in this process.

    Returns:
        The result of the first process.

    Raises:
        UserError: there are too few GPUs, a process raised an error, or a process died.
        Stopped: a signal asked to stop before there was anything to save.
    """
    if devices == 1 and not by_torchrun():
        return work(Fabric(accelerator="auto", devices=1))
    gpus = torch.cuda.device_count()
    if gpus and devices > gpus:
        raise UserError(f"There are {gpus} GPUs here, not {devices}: give --processes {gpus}.")
    if by_torchrun():
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        if devices != here:  # else each would train by itself, into the same folder
            raise UserError(f"torchrun has started {here} processes here, not {devices}: give --processes {here}.")
        machines = max(1, int(os.environ["WORLD_SIZE"]) // devices)
        fabric = Fabric(accelerator="auto", devices=devices, num_nodes=machines, strategy="ddp")
        fabric.launch()
        return _together(work, fabric)
    fabric = Fabric(accelerator="auto", devices=devices, strategy="ddp_spawn")
    errors: SimpleQueue[str] = multiprocessing.get_context("spawn").SimpleQueue()
    with StopRequest(then=_tell_processes) as request:
        try:
            return fabric.launch(partial(_process, work=work, errors=errors, loudness=loudness()))
        except (ProcessRaisedException, ProcessExitedException) as error:
            if request.number:  # some process had not begun yet, so there was nothing to save
                raise Stopped(request.number) from None
            if not errors.empty():
                raise UserError(errors.get()) from None
            if isinstance(error, ProcessRaisedException):
                raise
            raise UserError(
                f"A training process died ({error.signal_name or error.exit_code}), likely for want of memory; the "
                "last checkpoint is kept: --resume goes on from it, also with fewer --processes."
            ) from error


def by_torchrun() -> bool:
    """Whether this is one of several processes of a training that torchrun has started."""
    return TorchElasticEnvironment.detect() and int(os.environ["WORLD_SIZE"]) > 1


def _process(fabric: Fabric, work: Work[Result], errors: SimpleQueue[str], loudness: Loudness | None) -> Result:
    if loudness is not None:
        start_messages(loudness)
    try:
        return _together(work, fabric)
    except UserError as error:
        errors.put(str(error))
        raise


def _together(work: Work[Result], fabric: Fabric) -> Result:
    """Calls `work`. All processes wait for each other at the end, then close their connections before they exit.

    Otherwise a process may exit with open connections while the first process is still writing files; such a process
    has been seen to abort in the threads that serve the connections.
    """
    result = work(fabric)
    fabric.barrier()
    distributed.destroy_process_group()
    return result


def _tell_processes(number: int) -> None:
    """Passes Ctrl-C and SIGTERM on to the training processes, which save and exit; this process waits for them."""
    processes = multiprocessing.active_children()
    if not processes:
        raise Stopped(number)
    for process in processes:
        process.terminate()  # SIGTERM, because the terminal may have sent Ctrl-C to them already
