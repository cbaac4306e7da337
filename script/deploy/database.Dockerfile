# Image of the database for compose.yaml: Debian's PostGIS, as script/server installs it; build from the root of the checkout.
FROM debian:12-slim
ENV LANG=C.UTF-8 WANGGE_DATA=/var/lib/wangge
# Of a fixed number, so that the volume stays theirs when the image is built anew.
RUN useradd --uid 8000 --user-group --home-dir /var/lib/wangge --no-create-home --shell /usr/sbin/nologin postgres \
    && install -d -o postgres -g postgres -m 0700 /var/lib/wangge \
    && install -d /etc/postgresql-common \
    && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-15-postgis-3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/wangge
COPY script/lib/common.sh script/lib/packages.sh script/lib/database.sh script/lib/
COPY script/deploy/database script/deploy/
USER postgres
VOLUME /var/lib/wangge
EXPOSE 54321
STOPSIGNAL SIGINT
CMD ["script/deploy/database"]
