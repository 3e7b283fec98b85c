# The engine's image with the authorities that sign the certificates of RDS; see deploy/README.md.
ARG ENGINE_IMAGE
FROM ${ENGINE_IMAGE}
COPY --chmod=644 rds-ca.pem /etc/ekiden/rds-ca.pem
