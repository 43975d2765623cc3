# One image for all services: the dashboards, Dagster's webserver, its daemon, the collector; compose.yaml starts them.
#   docker build -t headwater .
# The Python that the tests run on.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_PROJECT_ENVIRONMENT=/opt/headwater UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /build
# The locked packages are a layer of their own: a change of the program does not install them again.
COPY pyproject.toml uv.lock ./
# Optional packages: docker build --build-arg EXTRAS="--extra database"
ARG EXTRAS=""
RUN uv sync --frozen --no-dev --no-install-project --no-cache ${EXTRAS}
COPY README.md LICENSE ./
COPY config config
COPY sql sql
COPY pipelines pipelines
COPY assets assets
COPY dashboards dashboards
# Not editable: uv builds the wheel and installs that, so the image needs nothing of this folder.
RUN uv sync --frozen --no-dev --no-editable --no-cache ${EXTRAS}

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /shop headwater \
    && install --directory --owner=headwater --group=headwater --mode=750 /shop
COPY --from=build /opt/headwater /opt/headwater
ENV PATH=/opt/headwater/bin:$PATH HEADWATER_HOME=/shop DAGSTER_HOME=/shop/.dagster PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /shop
VOLUME /shop
CMD ["headwater", "--help"]
