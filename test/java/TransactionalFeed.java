import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Feeds CREATE commands by transactional Java producers, of which many transactions are aborted: several producers
 * interleaved over the same partitions, every compression, transactions of one to thirty records, empty ones too.
 * Arguments: bootstrap servers, topic, partitions, seed, number of transactions, and a kind: `mixed` (the default) as said,
 * `single` one producer alone, `large` some megabytes each, `empty` without records, `compacted` with a key of its own for
 * each record. Prints committed and aborted records.
 */
public final class TransactionalFeed {
  private static final String[] COMPRESSIONS = {"none", "gzip", "snappy", "lz4", "zstd"};
  private static final String TENANT = "083839c6-c47c-42a6-9585-76492795d123";

  public static void main(String[] args) throws Exception {
    String topic = args[1];
    int partitions = Integer.parseInt(args[2]);
    long seed = Long.parseLong(args[3]);
    int transactions = Integer.parseInt(args[4]);
    String kind = args.length > 5 ? args[5] : "mixed";
    Random random = new Random(seed);
    List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
    for (String compression : COMPRESSIONS) producers.add(producer(args[0], compression, seed));
    for (KafkaProducer<byte[], byte[]> producer : producers) producer.initTransactions();
    int sequence = 0;
    int committed = 0;
    int aborted = 0;
    for (int round = 0; round < transactions; round += 2) {
      // Two transactions at a time, so that their records lie between one another.
      int first = random.nextInt(producers.size());
      int second = (first + 1 + random.nextInt(producers.size() - 1)) % producers.size();
      if (kind.equals("single") || kind.equals("large")) second = first = 0;
      int[] pair = {first, second};
      int[] counts = new int[2];
      int open = first == second ? 1 : 2;
      for (int which = 0; which < open; which++) producers.get(pair[which]).beginTransaction();
      int total = kind.equals("empty") ? 0 : kind.equals("large") ? 3_000 : random.nextInt(60);
      // Few partitions and a long message: the marker lies beyond what one fetch brings.
      String padding = kind.equals("large") ? "x".repeat(1_000) : "";
      for (int i = 0; i < total; i++) {
        int which = random.nextInt(open);
        counts[which]++;
        int partition = kind.equals("large") ? round % partitions : random.nextInt(partitions);
        ProducerRecord<byte[], byte[]> record = record(topic, partition, seed, sequence++, random, kind.equals("compacted"), padding);
        producers.get(pair[which]).send(record);
        if (random.nextInt(kind.equals("large") ? 500 : 8) == 0) producers.get(pair[which]).flush();
      }
      for (int which = 0; which < open; which++) {
        // Of few large ones chance might abort none.
        boolean isAborted = kind.equals("large") ? round % 4 == 2 : random.nextInt(100) < 45;
        if (isAborted) {
          producers.get(pair[which]).flush();
          producers.get(pair[which]).abortTransaction();
          aborted += counts[which];
        } else {
          producers.get(pair[which]).commitTransaction();
          committed += counts[which];
        }
      }
    }
    for (KafkaProducer<byte[], byte[]> producer : producers) producer.close();
    System.out.println(committed + " " + aborted);
  }

  private static ProducerRecord<byte[], byte[]> record(
      String topic, int partition, long seed, int sequence, Random random, boolean unique, String padding) {
    int character = 1 + random.nextInt(60);
    byte[] key = unique ? (seed + "/" + sequence).getBytes(StandardCharsets.UTF_8) : new byte[] {(byte) character, 0, 0, 0, 0, 0, 0, 0};
    String value =
        "{\"worldId\":0,\"channelId\":0,\"characterId\":" + character + ",\"type\":\"CREATE\",\"body\":{\"senderId\":9,\"message\":\"t"
            + sequence + padding + "\",\"flag\":0}}";
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, partition, key, value.getBytes(StandardCharsets.UTF_8));
    String trace = String.format("%08x%024x", seed & 0x7fffffffL, sequence);
    header(record, "TENANT_ID", TENANT.getBytes(StandardCharsets.UTF_8));
    header(record, "REGION", "GMS".getBytes(StandardCharsets.UTF_8));
    header(record, "MAJOR_VERSION", new byte[] {0, 83});
    header(record, "MINOR_VERSION", new byte[] {0, 1});
    header(record, "traceparent", ("00-" + trace + "-00f067aa0ba902b7-01").getBytes(StandardCharsets.UTF_8));
    return record;
  }

  private static void header(ProducerRecord<?, ?> record, String name, byte[] value) {
    record.headers().add(new RecordHeader(name, value));
  }

  private static KafkaProducer<byte[], byte[]> producer(String bootstrap, String compression, long seed) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("transactional.id", "feed-" + seed + "-" + compression);
    properties.put("compression.type", compression);
    properties.put("linger.ms", "5");
    return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
  }
}
