# The benchmark in two lines:
#   docker build -t bridgebench .
#   docker run --rm -v "$PWD/runs:/work/runs" bridgebench benchmark
# On a GPU: docker build --build-arg TORCH=cu126 -t bridgebench . && docker run --gpus all ... benchmark --device cuda
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

# Results belong to the user who mounts the folder, so no root is needed to read them.
RUN useradd --create-home runner && mkdir /work && chown runner /work
USER runner
WORKDIR /work
ENV OMP_NUM_THREADS=1 XDG_CACHE_HOME=/work/runs/.cache
ENTRYPOINT ["bridgebench"]
CMD ["--help"]
