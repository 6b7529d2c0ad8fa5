# Makes the keys that tokens are signed with, and tokens. Build it from the repository's root:
#   docker build -f deploy/keys.Dockerfile .
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN awk '/^uv==/ {found = 1} found {print} found && !/\\$/ {exit}' requirements.lock > uv.lock.txt \
    && python -m venv /opt/uv \
    && /opt/uv/bin/pip install --no-cache-dir --require-hashes --requirement uv.lock.txt \
    && python -m venv --without-pip /opt/vidmesh
COPY sdk/python sdk/python
COPY runtime runtime
RUN /opt/uv/bin/uv pip install --no-cache --python /opt/vidmesh \
        --constraint requirements.lock --build-constraint requirements.lock \
        ./sdk/python ./runtime

FROM python:3.11-slim
# A user of its own: the services see the folder too, and must not read the private half.
RUN useradd --uid 10002 --user-group --no-create-home vidmesh-keys \
    && install -d -o vidmesh-keys -g vidmesh-keys /run/vidmesh/keys /run/vidmesh/signing
COPY --from=build /opt/vidmesh /opt/vidmesh
COPY stack/vidmesh_stack/__init__.py stack/vidmesh_stack/keys.py /opt/stack/vidmesh_stack/
ENV PATH=/opt/vidmesh/bin:$PATH \
    PYTHONPATH=/opt/stack \
    PYTHONDONTWRITEBYTECODE=1
USER 10002:10002
ENTRYPOINT ["python", "-m", "vidmesh_stack.keys"]
CMD ["make", "/run/vidmesh/keys", "--signer", "/run/vidmesh/signing"]
