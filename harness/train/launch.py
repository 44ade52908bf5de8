"""Starts the processes of a training: only this one, several on this machine, or those that torchrun has started."""

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

from bridgebench.harness.processes.stopping import Stopped, StopRequest
from bridgebench.methods.core.errors import UserError

# Imported in each process before they connect, of which Lightning would tell in seven lines.
for _name in ("lightning.fabric", "lightning.pytorch"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Result = TypeVar("Result")
Work = Callable[[Fabric], Result]


def launch(work: Work[Result], devices: int) -> Result:
    """Calls `work` in `devices` processes (of each machine, under torchrun) that can exchange tensors.

    Args:
        work: picklable; gets the process's Fabric, which says which process it is and on what device it computes.
        devices: how many. One: this process.

    Returns:
        What the first process returned.

    Raises:
        UserError: too few GPUs; what a process raised; or a process died.
        Stopped: by a signal, before there was anything to save.
    """
    if devices == 1:
        return work(Fabric(accelerator="auto", devices=1))
    gpus = torch.cuda.device_count()
    if gpus and devices > gpus:
        raise UserError(f"There are {gpus} GPUs here, not {devices}: give --devices {gpus}.")
    if TorchElasticEnvironment.detect():
        machines = max(1, int(os.environ["WORLD_SIZE"]) // devices)
        fabric = Fabric(accelerator="auto", devices=devices, num_nodes=machines, strategy="ddp")
        fabric.launch()
        return _together(work, fabric)
    fabric = Fabric(accelerator="auto", devices=devices, strategy="ddp_spawn")
    errors: SimpleQueue[str] = multiprocessing.get_context("spawn").SimpleQueue()
    with StopRequest(then=_tell_processes) as request:
        try:
            return fabric.launch(partial(_process, work=work, errors=errors))
        except (ProcessRaisedException, ProcessExitedException) as error:
            if request.number:  # one of them had not begun yet, so that there was nothing to save
                raise Stopped(request.number) from None
            if not errors.empty():
                raise UserError(errors.get()) from None
            if isinstance(error, ProcessRaisedException):
                raise
            raise UserError(
                f"A training process died ({error.signal_name or error.exit_code}), likely for want of memory; the "
                "last checkpoint is kept: --resume goes on from it, also with fewer --devices."
            ) from error


def _process(fabric: Fabric, work: Work[Result], errors: SimpleQueue[str]) -> Result:
    try:
        return _together(work, fabric)
    except UserError as error:
        errors.put(str(error))
        raise


def _together(work: Work[Result], fabric: Fabric) -> Result:
    """Calls `work`; the processes end it at the same time, and their connections before they end themselves.

    A process that ended while its connections were open, and while the first one was still writing files, has been
    seen to abort in the threads that serve them.
    """
    result = work(fabric)
    fabric.barrier()
    distributed.destroy_process_group()
    return result


def _tell_processes(number: int) -> None:
    """Passes Ctrl-C and SIGTERM on to the training processes, which save and end; this process waits for them."""
    processes = multiprocessing.active_children()
    if not processes:
        raise Stopped(number)
    for process in processes:
        process.terminate()  # no second Ctrl-C where the terminal has sent them one
