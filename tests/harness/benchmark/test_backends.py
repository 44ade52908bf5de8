"""Back ends: every job is done once, errors come through, nobody outlives a stopped run."""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path

import dask
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dask.distributed import LocalCluster
from distributed.security import Security

from bridgebench.harness.benchmark.backends import check_backend, run_jobs
from bridgebench.methods.core.errors import UserError

LOCAL = {"backend": "local", "scheduler": None, "workers": 2}


def square(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def refuse(number: int) -> int:
    if number == 1:
        raise UserError("a damaged image")
    time.sleep(300)
    return number


def test_local_processes_do_every_job_once() -> None:
    found = list(run_jobs(pow_of_two, range(8), **LOCAL))
    assert sorted(found) == [2**k for k in range(8)]


def pow_of_two(k: int) -> int:
    return 2**k


def test_a_users_mistake_in_a_worker_is_told_and_stops_the_others() -> None:
    started = time.monotonic()
    with pytest.raises(UserError, match="a damaged image"):
        list(run_jobs(refuse, [0, 1, 2, 3], **LOCAL))
    assert time.monotonic() - started < 200


def test_dask_does_every_job_once_in_other_processes() -> None:
    found = list(run_jobs(square, [3, 1, 2], backend="dask", scheduler=None, workers=1))
    assert sorted(value for value, _ in found) == [1, 4, 9]
    assert os.getpid() not in {process for _, process in found}


def test_wrong_back_ends() -> None:
    with pytest.raises(UserError, match="no back end 'slurm'; there are local and dask"):
        run_jobs(square, [1], backend="slurm", scheduler=None, workers=None)
    with pytest.raises(UserError, match="--scheduler is for"):
        run_jobs(square, [1], backend="local", scheduler="tcp://here:1", workers=None)


def certificates(folder: Path) -> dict[str, str]:
    """A certificate that signs itself, and its key, as PEM files; by the names of Dask's `Security`."""
    folder.mkdir()
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, folder.name)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    signed = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    (folder / "cert.pem").write_bytes(signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(written)
    files = {"ca_file": "cert.pem"}
    for role in ("client", "scheduler", "worker"):
        files |= {f"{role}_cert": "cert.pem", f"{role}_key": "key.pem"}
    return {f"tls_{field}": str(folder / file) for field, file in files.items()}


def of_client(files: dict[str, str]) -> dict[str, str]:
    """What a user sets in Dask's configuration to be a client with certificates."""
    start = "distributed.comm.tls"
    return {
        f"{start}.ca-file": files["tls_ca_file"],
        f"{start}.client.cert": files["tls_client_cert"],
        f"{start}.client.key": files["tls_client_key"],
    }


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_over_tls_takes_jobs_of_its_own_certificates_alone(tmp_path: Path) -> None:
    ours, strangers = certificates(tmp_path / "ours"), certificates(tmp_path / "strangers")
    options = {"n_workers": 1, "processes": False, "dashboard_address": None, "host": "127.0.0.1"}
    with LocalCluster(protocol="tls://", security=Security(**ours), **options) as cluster:
        address = cluster.scheduler_address
        where = {"backend": "dask", "scheduler": address, "workers": None}
        assert address.startswith("tls://127.0.0.1:")
        with dask.config.set(of_client(ours)):
            assert sorted(value for value, _ in run_jobs(square, [3, 1, 2], **where)) == [1, 4, 9]
        with pytest.raises(UserError, match=r"There are no certificates for tls://.*TLS__CLIENT__KEY"):
            list(run_jobs(square, [1], **where))
        with (
            dask.config.set({**of_client(strangers), "distributed.comm.timeouts.connect": "2s"}),
            pytest.raises(UserError, match="No Dask scheduler answers at tls://"),
        ):
            list(run_jobs(square, [1], **where))


def test_the_cluster_of_this_machine_talks_over_tls() -> None:
    """Else another user of the machine, who finds its port, could run code as this one."""
    ((address, _),) = run_jobs(scheduler_of, [0], backend="dask", scheduler=None, workers=1)
    assert address.startswith("tls://127.0.0.1:")


def scheduler_of(number: int) -> tuple[str, int]:
    from dask.distributed import get_worker

    return get_worker().scheduler.address, number


@pytest.mark.parametrize(
    "address",
    ["tcp://10.0.0.7:8786", "10.0.0.7:8786", "cluster:8786", "tcp://0.0.0.0:1", "ws://[2001:db8::1]:1", "tcp://[bad"],
)
def test_a_network_without_tls_wants_a_word(address: str) -> None:
    with pytest.raises(UserError, match=r"without TLS: whoever reaches it can run code .* --trust-network"):
        check_backend("dask", address)
    check_backend("dask", address, trust_network=True)


@pytest.mark.parametrize("address", ["tls://10.0.0.7:8786", "tcp://127.0.0.1:8786", "localhost:1", "tcp://[::1]:8786"])
def test_tls_and_this_machine_do_not(address: str) -> None:
    check_backend("dask", address)
