import java.io.BufferedOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints whole topics as Apache Kafka's own consumer reads them, in both isolation levels, and ends when it has read to
 * the end: an independent witness of what is committed. Arguments: bootstrap servers, milliseconds it may take, topics.
 *
 *   E <topic> <partition> <last stable offset> <high watermark>
 *   C|U <topic> <partition> <offset> <timestamp> <key> <value> <name>=<value>,...    C = read_committed, U = read_uncommitted
 *
 * Bytes are base64, `-` is null; U lines are printed only for offsets that no C line has. Ends with the line `done`.
 */
public final class LogDump {
  private static final Base64.Encoder BASE64 = Base64.getEncoder();

  public static void main(String[] args) {
    long deadline = System.currentTimeMillis() + Long.parseLong(args[1]);
    List<String> topics = new ArrayList<>();
    for (int i = 2; i < args.length; i++) topics.add(args[i]);
    PrintStream out = new PrintStream(new BufferedOutputStream(System.out, 1 << 16), false);
    try (KafkaConsumer<byte[], byte[]> committed = consumer(args[0], "read_committed");
        KafkaConsumer<byte[], byte[]> uncommitted = consumer(args[0], "read_uncommitted")) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (String topic : topics)
        committed.partitionsFor(topic).forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
      Map<TopicPartition, Long> stable = committed.endOffsets(partitions);
      Map<TopicPartition, Long> high = uncommitted.endOffsets(partitions);
      for (TopicPartition p : partitions)
        out.println("E " + p.topic() + " " + p.partition() + " " + stable.get(p) + " " + high.get(p));
      Map<String, Boolean> seen = new TreeMap<>();
      read(committed, partitions, stable, deadline, record -> {
        seen.put(name(record), true);
        print(out, "C", record);
      });
      read(uncommitted, partitions, high, deadline, record -> {
        if (!seen.containsKey(name(record))) print(out, "U", record);
      });
    }
    out.println("done");
    out.flush();
  }

  private interface Sink {
    void take(ConsumerRecord<byte[], byte[]> record);
  }

  private static KafkaConsumer<byte[], byte[]> consumer(String bootstrap, String isolation) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("isolation.level", isolation);
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "earliest");
    properties.put("max.poll.records", "5000");
    return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  private static void read(
      KafkaConsumer<byte[], byte[]> consumer,
      List<TopicPartition> partitions,
      Map<TopicPartition, Long> ends,
      long deadline,
      Sink sink) {
    consumer.assign(partitions);
    consumer.seekToBeginning(partitions);
    while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
      if (System.currentTimeMillis() > deadline) throw new IllegalStateException("not at the end in time");
      for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) sink.take(record);
    }
  }

  private static String name(ConsumerRecord<?, ?> record) {
    return record.topic() + "/" + record.partition() + "/" + record.offset();
  }

  private static void print(PrintStream out, String kind, ConsumerRecord<byte[], byte[]> record) {
    StringBuilder line = new StringBuilder(256);
    line.append(kind).append(' ').append(record.topic()).append(' ').append(record.partition()).append(' ');
    line.append(record.offset()).append(' ').append(record.timestamp()).append(' ');
    line.append(text(record.key())).append(' ').append(text(record.value())).append(' ');
    String separator = "";
    for (Header header : record.headers()) {
      line.append(separator).append(text(header.key().getBytes(java.nio.charset.StandardCharsets.UTF_8)));
      line.append('=').append(text(header.value()));
      separator = ",";
    }
    out.println(line);
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "-" : BASE64.encodeToString(bytes);
  }
}
