import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The peer of bench/versus-streams.ts: CREATE and DISCARD of the note service written on Kafka Streams as its users would,
 * with the Processor API, Jackson and RocksDB. Reads the same commands; writes events, sagas and a changelog, exactly once.
 *
 * Arguments: name=value, handed to StreamsConfig as they are.
 */
public final class NoteStreams {
  static final ObjectMapper JSON = new ObjectMapper();
  static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);
  static final String NIL_UUID = "00000000-0000-0000-0000-000000000000";

  record Note(long senderId, String message, int flag, String time) {}

  record Content(long noteId, long senderId, String message, int flag, String time) {}

  record NoteId(long noteId) {}

  record Event(String transactionId, long characterId, String type, Object body) {}

  record Fame(long characterId, int worldId, int channelId, int amount) {}

  record Step(String stepId, String status, String action, Fame payload, String createdAt, String updatedAt) {}

  record Saga(String transactionId, String sagaType, String initiatedBy, List<Step> steps) {}

  static final class Notes implements Processor<byte[], byte[], byte[], byte[]> {
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, byte[]> notes;
    private KeyValueStore<String, Long> sequences;
    private int partition;
    // Many records have one millisecond.
    private long lastMs = -1;
    private String lastTime = "";

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
      notes = context.getStateStore("notes");
      sequences = context.getStateStore("sequences");
      partition = context.taskId().partition();
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        JsonNode command = JSON.readTree(record.value());
        String tenant = text(record.headers(), "TENANT_ID");
        if (record.timestamp() != lastMs) {
          lastMs = record.timestamp();
          lastTime = TIME.format(Instant.ofEpochMilli(lastMs));
        }
        String time = lastTime;
        long characterId = command.path("characterId").asLong();
        JsonNode body = command.path("body");
        switch (command.path("type").asText()) {
          case "CREATE" -> create(record, command, tenant, characterId, body, time);
          case "DISCARD" -> discard(record, command, tenant, characterId, body, time);
          default -> throw new IllegalArgumentException(command.path("type").asText());
        }
      } catch (Exception error) {
        throw new IllegalStateException(error);
      }
    }

    private void create(
        Record<byte[], byte[]> record, JsonNode command, String tenant, long characterId, JsonNode body, String time)
        throws Exception {
      Long former = sequences.get("note-sequence");
      long sequence = former == null ? 0 : former;
      sequences.put("note-sequence", sequence + 1);
      long noteId = sequence * STRIDE + partition + 1;
      Note note =
          new Note(body.path("senderId").asLong(), body.path("message").asText(), body.path("flag").asInt(), time);
      notes.put(key(tenant, characterId, noteId), JSON.writeValueAsBytes(note));
      JsonNode given = command.path("transactionId");
      String transactionId = given.isTextual() ? given.asText() : NIL_UUID;
      Content content = new Content(noteId, note.senderId, note.message, note.flag, time);
      status(record, characterId, new Event(transactionId, characterId, "CREATED", content));
    }

    private void discard(
        Record<byte[], byte[]> record, JsonNode command, String tenant, long characterId, JsonNode body, String time)
        throws Exception {
      for (JsonNode named : body.path("noteIds")) {
        long noteId = named.asLong();
        String key = key(tenant, characterId, noteId);
        byte[] json = notes.get(key);
        if (json == null) continue;
        Note note = JSON.readValue(json, Note.class);
        notes.delete(key);
        status(record, characterId, new Event(NIL_UUID, characterId, "DELETED", new NoteId(noteId)));
        if (note.senderId == characterId) continue;
        String id = uuidV5(tenant, "note:" + noteId);
        Fame fame = new Fame(note.senderId, command.path("worldId").asInt(), command.path("channelId").asInt(), 1);
        String stepId = "award-fame-" + note.senderId + "-" + noteId;
        Step step = new Step(stepId, "pending", "award_fame", fame, time, time);
        Saga saga = new Saga(id, "inventory_transaction", "note-discard-fame", List.of(step));
        forward(record, id.getBytes(StandardCharsets.US_ASCII), saga, "sagas");
      }
    }

    private void status(Record<byte[], byte[]> record, long characterId, Event event) throws Exception {
      byte[] key = ByteBuffer.allocate(8).order(java.nio.ByteOrder.LITTLE_ENDIAN).putInt((int) characterId).array();
      forward(record, key, event, "events");
    }

    private void forward(Record<byte[], byte[]> record, byte[] key, Object value, String to) throws Exception {
      Headers headers = new RecordHeaders();
      for (String name : TENANT) headers.add(name, record.headers().lastHeader(name).value());
      headers.add("traceparent", child(record.headers()).getBytes(StandardCharsets.US_ASCII));
      context.forward(new Record<>(key, JSON.writeValueAsBytes(value), record.timestamp(), headers), to);
    }
  }

  static final String[] TENANT = {"TENANT_ID", "REGION", "MAJOR_VERSION", "MINOR_VERSION"};
  static int STRIDE = 4;

  static String key(String tenant, long characterId, long noteId) {
    return tenant + ":" + characterId + ":" + noteId;
  }

  static String text(Headers headers, String name) {
    return new String(headers.lastHeader(name).value(), StandardCharsets.UTF_8);
  }

  /** The span of an output is a child of its command's. */
  static String child(Headers headers) {
    String parent = text(headers, "traceparent");
    return parent.substring(0, 36) + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong()) + parent.substring(52);
  }

  static String uuidV5(String namespace, String name) throws Exception {
    MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
    sha1.update(HexFormat.of().parseHex(namespace.replace("-", "")));
    byte[] hash = sha1.digest(name.getBytes(StandardCharsets.UTF_8));
    hash[6] = (byte) (hash[6] & 0x0f | 0x50);
    hash[8] = (byte) (hash[8] & 0x3f | 0x80);
    String hex = HexFormat.of().formatHex(hash, 0, 16);
    return hex.substring(0, 8) + "-" + hex.substring(8, 12) + "-" + hex.substring(12, 16) + "-" + hex.substring(16, 20)
        + "-" + hex.substring(20);
  }

  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    for (String arg : args) {
      String[] pair = arg.split("=", 2);
      properties.put(pair[0], pair[1]);
    }
    properties.putIfAbsent(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    STRIDE = Integer.parseInt((String) properties.remove("note.id.stride"));
    String events = (String) properties.remove("topic.events");
    String sagas = (String) properties.remove("topic.sagas");
    String commands = (String) properties.remove("topic.commands");

    var bytes = Serdes.ByteArray();
    Topology topology = new Topology();
    topology.addSource("commands", bytes.deserializer(), bytes.deserializer(), commands);
    topology.addProcessor("notes-processor", Notes::new, "commands");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("notes"), Serdes.String(), bytes)
            .withLoggingEnabled(Map.of()),
        "notes-processor");
    // Changes with every note: cached, so that its changelog gets one record a commit.
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("sequences"), Serdes.String(), Serdes.Long())
            .withCachingEnabled(),
        "notes-processor");
    topology.addSink("events", events, bytes.serializer(), bytes.serializer(), "notes-processor");
    topology.addSink("sagas", sagas, bytes.serializer(), bytes.serializer(), "notes-processor");

    KafkaStreams streams = new KafkaStreams(topology, properties);
    CountDownLatch ended = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          ended.countDown();
          return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse
              .SHUTDOWN_CLIENT;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(java.time.Duration.ofSeconds(10))));
    streams.start();
    ended.await();
  }
}
