# hookgate as an image: one for the gateway, the operator and the store's maintenance.
#
#   docker build --tag hookgate .
#   docker run --rm hookgate gateway --help
#
# Three stages: the wheel is built, it and its locked dependencies are installed, and only what was installed goes
# into the image. No compiler is needed anywhere: every dependency has wheels for amd64 and arm64 (glibc; some have
# none for musl, and "distroless" images come with the Python of their Debian, not with one that can be chosen).
#
# tests/image runs the commands below on any machine, as they stand here.

# The index of all platforms, not one of them. Named by FROM itself and once: Dependabot, which proposes newer ones
# (.github/dependabot.yml), reads no ARG.
FROM docker.io/library/python:3.13.15-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285 AS python


FROM python AS wheel
ARG SOURCE_DATE_EPOCH=1580601600
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/
RUN python -m pip install --require-hashes --no-deps --only-binary=:all: -r requirements/build.txt
COPY . .
RUN python -m hatchling build -t wheel -d /dist


FROM python AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/hookgate
COPY requirements/image.txt /requirements/
RUN python -m pip --python /opt/hookgate/bin/python install --no-compile \
        --require-hashes --no-deps --only-binary=:all: -r /requirements/image.txt
COPY --from=wheel /dist /dist
# Byte code that is never compared with its source: nothing can be written later, and times do not matter.
RUN python -m pip --python /opt/hookgate/bin/python install --no-compile --no-index --no-deps /dist/*.whl \
    && /opt/hookgate/bin/python -m compileall -qf --invalidation-mode unchecked-hash /opt/hookgate/lib


FROM python
# What runs installs nothing. The folder is for a volume that takes its owner from the image; on Kubernetes
# fsGroup does it.
RUN python -m pip uninstall --yes --quiet --root-user-action=ignore pip \
    && install -d -o 65532 -g 65532 /var/lib/hookgate
COPY --from=environment /opt/hookgate /opt/hookgate
# PYTHONSAFEPATH: modules come from the installation, never from the folder that a command is started in.
# HOME: the user has no entry in /etc/passwd, and the Kubernetes client asks for its home.
ENV PATH=/opt/hookgate/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/nonexistent \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/hookgate
USER 65532:65532
# Clients and engines; the operator; metrics and probes.
EXPOSE 8080 8081 9090
STOPSIGNAL SIGTERM
# No HEALTHCHECK: gateway, operator and maintenance are healthy in different ways, and Kubernetes has its probes.
ENTRYPOINT ["hookgate"]
CMD ["--help"]
ARG VERSION=0.0.0+local
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hookgate" \
      org.opencontainers.image.description="Durable, signed, retried and replayable webhooks: gateway and Kubernetes operator" \
      org.opencontainers.image.source="https://github.com/hookgate/hookgate" \
      org.opencontainers.image.documentation="https://github.com/hookgate/hookgate/blob/main/docs/install.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The hookgate maintainers" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
