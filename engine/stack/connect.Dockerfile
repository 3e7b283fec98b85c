# Kafka Connect with Debezium, from the same pom.xml as `bun run stack`. Its properties come from compose.yaml.
FROM maven:3.9-eclipse-temurin-21 AS jars
COPY pom.xml /stack/pom.xml
RUN ["mvn", "-q", "-B", "-f", "/stack/pom.xml", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory=/stack/jars", "-DincludeScope=runtime"]

FROM eclipse-temurin:21-jre-noble
COPY --from=jars /stack/jars /opt/ekiden/jars
USER nobody
WORKDIR /tmp
EXPOSE 8083
ENTRYPOINT ["java", "-Xmx512m", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", "/opt/ekiden/jars/*", "org.apache.kafka.connect.cli.ConnectDistributed", "/etc/ekiden/connect.properties"]
