import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InconsistentGroupProtocolException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A domain that runs outside the engine: a Kafka client and SQL, nothing else. docs/PARTICIPANTS.md explains it.
 *
 * <p>java -cp 'jars/*' Participant.java, with KAFKA_BROKERS, EKIDEN_PREFIX (if the engine has one) and DATABASE_URL as
 * `ekiden login appraisal` prints it.
 */
public class Participant {
  private static final String DOMAIN = "appraisal";
  private static final List<String> ACTIONS = List.of("appraise", "offer");
  private static final int BODY_MAX = 256 * 1024;

  private final KafkaConsumer<String, String> kafka;
  private final String prefix;
  private final URI database;
  private final String consumer;
  private Connection db;

  /** A command as the claim hands it out; `input` and `compensates` (what a compensation undoes) are JSON. */
  record Command(String messageId, String action, String stepKey, int attempt, String input, String compensates) {}

  /** How a step ended: the outcome, and the body of the answer as JSON or as code and message. */
  record Outcome(String name, String output, String code, String message) {}

  /** The business says no: nothing of what the handler wrote stays. */
  static class Rejected extends Exception {
    final String code;

    Rejected(String code, String message) {
      super(message);
      this.code = code;
    }
  }

  Participant(KafkaConsumer<String, String> kafka, String prefix, URI database) {
    this.kafka = kafka;
    this.prefix = prefix;
    this.database = database;
    this.consumer = System.getenv().getOrDefault("HOSTNAME", "java") + "/" + ProcessHandle.current().pid();
  }

  // region participant
  /** One message after the other, in the order of the partition. The offset follows the commit, never the other way. */
  void consume() throws SQLException, InterruptedException {
    while (true) {
      for (ConsumerRecord<String, String> record : kafka.poll(Duration.ofSeconds(1))) {
        settle(record);
        TopicPartition place = new TopicPartition(record.topic(), record.partition());
        try {
          kafka.commitSync(Map.of(place, new OffsetAndMetadata(record.offset() + 1)));
        } catch (CommitFailedException | RetriableException late) {
          // It is delivered again, here or to another member, and the claim says skip.
          System.err.println("offset not committed: " + late.getMessage());
        }
      }
    }
  }

  /** Tries one message until it has an outcome: what is not its own fault is no reason to go on to the next one. */
  private void settle(ConsumerRecord<String, String> record) throws SQLException, InterruptedException {
    for (long pauseMs = 100; ; pauseMs = Math.min(10_000, 2 * pauseMs)) {
      try {
        if (db == null) db = connect();
        attempt(record);
        return;
      } catch (SQLException error) {
        disconnect();
        if (!isNoOutcome(error)) throw error;
        System.err.println("tried again in " + pauseMs + " ms: " + error.getMessage());
        Thread.sleep(pauseMs);
      }
    }
  }

  /** Claim, business and answer in one transaction. */
  private void attempt(ConsumerRecord<String, String> record) throws SQLException {
    Outcome refusal;
    try {
      Command command = claim(record);
      if (command != null) answer(command, new Outcome("succeeded", handle(command), null, null));
      db.commit();
      return;
    } catch (Rejected no) {
      refusal = new Outcome("rejected", null, no.code, no.getMessage());
    } catch (SQLException error) {
      if (isNoOutcome(error)) throw error;
      String code = "57014".equals(error.getSQLState()) ? "timeout" : "sql_" + error.getSQLState();
      refusal = new Outcome("failed", null, code, error.getMessage());
    } catch (RuntimeException error) {
      refusal = new Outcome("failed", null, "exception", String.valueOf(error.getMessage()));
    }
    // Whatever the handler wrote is gone. Claim again, and say why, if it is still wanted.
    db.rollback();
    Command command = claim(record);
    if (command != null) answer(command, refusal);
    db.commit();
  }

  /** Null: there is nothing to do. It was done before, was answered again by the claim itself, or is not wanted. */
  private Command claim(ConsumerRecord<String, String> record) throws SQLException {
    List<String> names = new ArrayList<>();
    List<String> values = new ArrayList<>();
    for (Header header : record.headers()) {
      names.add(storable(header.key()));
      values.add(header.value() == null ? null : storable(new String(header.value(), StandardCharsets.UTF_8)));
    }
    String sql = """
        select request->>'messageId', request->>'action', request->>'stepKey', (request->>'attempt')::integer,
          request->'body'->>'input', request->'body'->>'compensates'
        from timeline.claim(?, jsonb_build_object('topic', ?::text, 'partition', ?::integer, 'offset', ?::bigint,
          'timestamp', ?::bigint, 'key', ?::text, 'value', ?::text, 'headers', jsonb_object(?::text[], ?::text[]),
          'consumer', ?::text))
        where verdict = 'run'
        """;
    try (PreparedStatement claim = db.prepareStatement(sql)) {
      claim.setString(1, DOMAIN);
      claim.setString(2, record.topic().substring(prefix.length()));
      claim.setInt(3, record.partition());
      claim.setLong(4, record.offset());
      claim.setLong(5, record.timestamp());
      claim.setString(6, storable(record.key()));
      claim.setString(7, storable(record.value()));
      claim.setArray(8, db.createArrayOf("text", names.toArray()));
      claim.setArray(9, db.createArrayOf("text", values.toArray()));
      claim.setString(10, consumer);
      ResultSet row = claim.executeQuery();
      if (!row.next()) return null;
      return new Command(
          row.getString(1), row.getString(2), row.getString(3), row.getInt(4), row.getString(5), row.getString(6));
    }
  }

  private void answer(Command command, Outcome outcome) throws SQLException {
    String sql = """
        select timeline.answer(?, ?, ?, case when ?::text is null
          then jsonb_build_object('output', ?::jsonb) else jsonb_build_object('code', ?::text, 'message', ?::text) end)
        """;
    try (PreparedStatement answer = db.prepareStatement(sql)) {
      answer.setString(1, DOMAIN);
      answer.setString(2, command.messageId());
      answer.setString(3, outcome.name());
      answer.setString(4, outcome.code());
      answer.setString(5, outcome.output());
      answer.setString(6, outcome.code());
      answer.setString(7, storable(outcome.message()));
      answer.executeQuery();
    }
  }

  /** Lost connection, deadlock, out of resources, shut down, lock not granted: these say nothing about the message. */
  private static boolean isNoOutcome(SQLException error) {
    String state = String.valueOf(error.getSQLState());
    return state.matches("(08|40|53|57).*|55P03") && !state.equals("57014");
  }

  /** PostgreSQL's text holds no NUL, and what others wrote to the topic may be long. */
  private static String storable(String text) {
    if (text == null) return null;
    return text.substring(0, Math.min(text.length(), BODY_MAX)).replace('\u0000', '\uFFFD');
  }
  // endregion

  /** The business. Writes through the transaction, returns the output as JSON. */
  private String handle(Command command) throws SQLException, Rejected {
    return switch (command.action()) {
      case "appraise" -> appraise(command);
      case "withdraw" -> withdraw(command);
      case "offer" -> offer(command);
      default -> throw new IllegalStateException("no handler for " + command.action());
    };
  }

  private String appraise(Command command) throws SQLException, Rejected {
    String price = ask("""
        insert into appraisal.appraised (step_key, item, price)
        select ?, i->>'item', (i->>'worth')::bigint * 9 / 10 from (select ?::jsonb as i) as input
        returning price
        """, command.stepKey(), command.input());
    // After the insert: neither a rejection nor a failure keeps it.
    if (price.equals("0")) throw new Rejected("worthless", "nobody would pay for it");
    if (command.input().contains("fragile") && command.attempt() == 1) throw new IllegalStateException("it fell down");
    if (command.input().contains("painting")) return "{\"price\": \"beyond price\"}";
    return "{\"price\": " + price + "}";
  }

  private String withdraw(Command command) throws SQLException {
    ask("""
        insert into appraisal.withdrawn (step_key, price)
        select c->>'stepKey', (c->'output'->>'price')::bigint from (select ?::jsonb as c) as compensates returning id
        """, command.compensates());
    return null;
  }

  private String offer(Command command) throws SQLException, Rejected {
    if (ask("select ?::jsonb->>'buyer'", command.input()).equals("nobody")) {
      throw new Rejected("no_buyer", "nobody wants it");
    }
    return null;
  }

  /** The one value that a statement returns. */
  private String ask(String sql, String... values) throws SQLException {
    try (PreparedStatement statement = db.prepareStatement(sql)) {
      for (int at = 0; at < values.length; at++) statement.setString(at + 1, values[at]);
      ResultSet row = statement.executeQuery();
      return row.next() ? row.getString(1) : null;
    }
  }

  private Connection connect() throws SQLException {
    String[] login = database.getUserInfo().split(":", 2);
    Properties options = new Properties();
    options.setProperty("user", login[0]);
    options.setProperty("password", login[1]);
    options.setProperty("ApplicationName", DOMAIN);
    // Each wait has an end: a statement on the server, a lock, a transaction that was forgotten, a silent network.
    options.setProperty("options", "-c statement_timeout=30s -c lock_timeout=20s -c idle_in_transaction_session_timeout=60s");
    options.setProperty("socketTimeout", "60");
    String address = "jdbc:postgresql://" + database.getHost() + ":" + database.getPort() + database.getPath();
    Connection opened = DriverManager.getConnection(address, options);
    opened.setAutoCommit(false);
    return opened;
  }

  /** Whatever was open on it is rolled back by the server. */
  private void disconnect() {
    try {
      if (db != null) db.close();
    } catch (SQLException lost) {
      System.err.println("connection not closed: " + lost.getMessage());
    }
    db = null;
  }

  private static Properties kafkaOptions(String group) {
    Properties options = new Properties();
    options.setProperty("bootstrap.servers", variable("KAFKA_BROKERS"));
    options.setProperty("group.id", group);
    options.setProperty("enable.auto.commit", "false");
    // An offset that Kafka no longer has leads to the oldest message, never past unread ones.
    options.setProperty("auto.offset.reset", "earliest");
    options.setProperty("isolation.level", "read_committed");
    options.setProperty("allow.auto.create.topics", "false");
    options.setProperty("max.poll.records", "50");
    // A process that was killed is replaced after this long.
    options.setProperty("session.timeout.ms", "6000");
    options.setProperty("heartbeat.interval.ms", "2000");
    return options;
  }

  private static String variable(String name) {
    return Objects.requireNonNull(System.getenv(name), name + " is not set");
  }

  /** Says what this process has been given, so that whoever started it sees that it works. */
  private static class Announcer implements ConsumerRebalanceListener {
    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> places) {
      System.out.println("consumes " + places.size() + " partitions");
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> places) {}
  }

  public static void main(String[] args) throws Exception {
    String prefix = System.getenv().getOrDefault("EKIDEN_PREFIX", "");
    URI database = URI.create(variable("DATABASE_URL"));
    StringDeserializer text = new StringDeserializer();
    KafkaConsumer<String, String> kafka = new KafkaConsumer<>(kafkaOptions(prefix + DOMAIN), text, text);
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      kafka.wakeup();
      try {
        main.join(30_000);
      } catch (InterruptedException ended) {
        main.interrupt();
      }
    }));
    try (kafka) {
      kafka.subscribe(ACTIONS.stream().map(action -> prefix + DOMAIN + "." + action).toList(), new Announcer());
      new Participant(kafka, prefix, database).consume();
    } catch (WakeupException stopped) {
      System.out.println("stopped");
    } catch (InconsistentGroupProtocolException shared) {
      System.err.println("group " + prefix + DOMAIN + " is in use by another kind of client: a domain is run by one kind only."
          + " Take `run` off its steps in domain.ts and restart the engine.");
      // Not exit(): its hook waits for this very thread.
      Runtime.getRuntime().halt(1);
    }
  }
}
