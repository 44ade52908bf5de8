# The benchmark in two lines:
#   docker build -t bridgebench .
#   mkdir -p runs && docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/runs:/work/runs" bridgebench benchmark
# On a GPU: docker build --build-arg TORCH=cu126 -t bridgebench . && docker run --gpus all ... benchmark --device cuda
# (`mkdir` and `--user`: the results belong to you. Docker would make a missing folder for root, and nobody else could write.)
FROM python:3.12-slim

# Which build of PyTorch: "cpu", or one of its names for CUDA.
ARG TORCH=cpu
RUN pip install --no-cache-dir torch torchvision --index-url "https://download.pytorch.org/whl/${TORCH}"

WORKDIR /opt/bridgebench
COPY pyproject.toml README.md LICENSE ./
COPY bridgebench bridgebench
COPY eval eval
COPY harness harness
COPY methods methods
COPY reports reports
COPY templates templates
RUN pip install --no-cache-dir ".[all]"

# Any user may run it, also one that the image does not know: such a user has no name and no home of its own.
RUN useradd --create-home runner && mkdir -p /work/runs && chmod 1777 /work /work/runs
USER runner
WORKDIR /work
ENV OMP_NUM_THREADS=1 XDG_CACHE_HOME=/work/runs/.cache HOME=/tmp USER=runner
ENTRYPOINT ["bridgebench"]
CMD ["--help"]
