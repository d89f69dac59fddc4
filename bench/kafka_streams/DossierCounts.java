import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/**
 * tally's work in Kafka Streams: dossiers and counters in two stores of the task, with caches and changelogs.
 *
 * Counters are kept per input partition, as tally keeps them, so that nothing is repartitioned: the shape that costs
 * Kafka Streams least. It announces nothing besides its changelogs.
 *
 * usage: DossierCounts BOOTSTRAP PREFIX RECORDS SKIP GUARANTEE COMMIT_MS FOLDER TOPIC…   → one line of JSON
 */
public final class DossierCounts {
    private static long records;
    private static long skip;
    private static long seen;
    private static volatile long beganNanos;
    private static volatile long beganCpu;
    private static KafkaStreams streams;
    /** How many commits came before the last record was seen: by the thread that commits, or one could be missed. */
    private static volatile double commitsBefore;
    private static final CountDownLatch ALL_SEEN = new CountDownLatch(1);

    public static void main(String[] args) throws Exception {
        records = Long.parseLong(args[2]);
        skip = Long.parseLong(args[3]);
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1] + "streams-" + System.nanoTime());
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, args[4]);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, args[5]);
        config.put(StreamsConfig.STATE_DIR_CONFIG, args[6]);
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        config.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");

        Topology topology = new Topology();
        String[] topics = new String[args.length - 7];
        System.arraycopy(args, 7, topics, 0, topics.length);
        topology.addSource("portal", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), topics);
        topology.addProcessor("count", Count::new, "portal");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("dossiers"), Serdes.String(), Serdes.ByteArray())
                .withCachingEnabled(), "count");
        topology.addStateStore(
            Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("unit-days"), Serdes.String(), Serdes.ByteArray())
                .withCachingEnabled(), "count");

        streams = new KafkaStreams(topology, config);
        streams.start();
        ALL_SEEN.await();
        while (commits() <= commitsBefore) {
            Thread.sleep(2);
        }
        long nanos = System.nanoTime() - beganNanos;
        long cpu = cpu() - beganCpu;
        String digest = digest();
        System.out.printf(
            "{\"seconds\": %.6f, \"cpu\": %.3f, \"rss_mb\": %d, \"events\": %d, \"digest\": \"%s\", \"java\": \"%s\"}%n",
            nanos / 1e9, cpu / 1e9, peakMb(), records - skip, digest, Runtime.version());
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    /** Merges and counts. */
    private static final class Count implements Processor<String, byte[], Void, Void> {
        private KeyValueStore<String, byte[]> dossiers;
        private KeyValueStore<String, byte[]> counters;
        private ProcessorContext<Void, Void> context;

        @Override
        public void init(ProcessorContext<Void, Void> given) {
            context = given;
            dossiers = given.getStateStore("dossiers");
            counters = given.getStateStore("unit-days");
        }

        @Override
        public void process(Record<String, byte[]> record) {
            if (seen == skip) {
                beganCpu = cpu();
                beganNanos = System.nanoTime();
            }
            try {
                byte[] row = dossiers.get(record.key());
                Dossier dossier = row == null ? Dossier.empty() : Dossier.fromBytes(row);
                List<Dossier.Contribution> taken = dossier.contributions();
                dossier.merge(record.value());
                dossiers.put(record.key(), dossier.toBytes());
                List<Dossier.Contribution> put = new ArrayList<>();
                for (Dossier.Contribution now : dossier.contributions()) {
                    if (!taken.remove(now)) {
                        put.add(now);
                    }
                }
                for (Dossier.Contribution gone : taken) {
                    add(gone, -1);
                }
                for (Dossier.Contribution come : put) {
                    add(come, 1);
                }
            } catch (IOException exc) {
                throw new UncheckedIOException(exc);
            }
            if (++seen == records) {
                commitsBefore = commits();
                context.commit();
                ALL_SEEN.countDown();
            }
        }

        private void add(Dossier.Contribution moved, int sign) {
            String key = moved.unit() + "|" + moved.day() + "|" + moved.cell();
            byte[] row = counters.get(key);
            ByteBuffer counter = ByteBuffer.allocate(8);
            ByteBuffer before = row == null ? ByteBuffer.allocate(8) : ByteBuffer.wrap(row);
            counter.putInt(before.getInt(0) + (moved.above() ? sign : 0)).putInt(before.getInt(4) + sign);
            counters.put(key, counter.array());
        }
    }

    private static long cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** How many times the one thread has committed. */
    private static double commits() {
        return streams.metrics().entrySet().stream()
            .filter(m -> m.getKey().name().equals("commit-total") && m.getKey().group().equals("stream-thread-metrics"))
            .mapToDouble(m -> (Double) m.getValue().metricValue())
            .sum();
    }

    private static long peakMb() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) >> 10;
            }
        }
        return 0;
    }

    /** The digest of bench/counters.py: sorted lines, SHA-256, sixteen digits. */
    private static String digest() throws Exception {
        var store = streams.store(
            StoreQueryParameters.fromNameAndType("unit-days", QueryableStoreTypes.<String, byte[]>keyValueStore()));
        Map<String, int[]> totals = new TreeMap<>();
        try (KeyValueIterator<String, byte[]> rows = store.all()) {
            while (rows.hasNext()) {
                KeyValue<String, byte[]> row = rows.next();
                int[] total = totals.computeIfAbsent(row.key, key -> new int[2]);
                ByteBuffer counter = ByteBuffer.wrap(row.value);
                total[0] += counter.getInt();
                total[1] += counter.getInt();
            }
        }
        List<String> lines = new ArrayList<>();
        totals.forEach((key, n) -> {
            if (n[0] != 0 || n[1] != 0) {
                lines.add(key + "|" + n[0] + "|" + n[1]);
            }
        });
        lines.sort(null);
        byte[] sha = MessageDigest.getInstance("SHA-256").digest(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(sha).substring(0, 16);
    }
}
