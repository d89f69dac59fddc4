import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A portal that publishes with Kafka's Java client and Jackson: one dossier's life, from reception
 * to correction.
 *
 * <pre>java -cp kafka-clients.jar:jackson-….jar:. Portal BOOTSTRAP [PREFIX]</pre>
 *
 * Ends with an exception where a record is not acknowledged.
 */
public final class Portal {

    private static final Map<String, String> TOPICS = Map.of(
        "received", "dossier.submitted",
        "paid", "dossier.paid",
        "resolved", "dossier.result-issued",
        "corrected", "dossier.amended");

    /** An event. NON_NULL: a field that is null would take its fact back. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Event(
        String id,
        String type,
        String dossier,
        long version,
        String at,
        String unit,
        String procedure,
        String channel,
        String transaction,
        Long amount,
        String method,
        String gateway,
        Boolean electronic,
        Boolean digitised,
        @JsonProperty("received_at") String receivedAt) {}

    private static Properties settings(String bootstrap) {
        Properties settings = new Properties();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        // No partitioner: the default hashes the key by murmur2, as LOTRINH_PARTITIONER=murmur2.
        // StringSerializer: the key is the code alone; a JSON serializer would put it in quotes.
        settings.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
        settings.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class);
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true); // no doubles, no other order
        settings.put(ProducerConfig.ACKS_CONFIG, "all"); // acknowledged: on every copy in sync
        settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "zstd");
        settings.put(ProducerConfig.LINGER_MS_CONFIG, 20);
        return settings;
    }

    /** A dossier's events. Versions grow; times carry their offset; each id is used once. */
    static List<Event> life(String dossier, String unit) {
        String id = "portal-java:" + dossier + ":";
        return List.of(
            new Event(id + 1, "received", dossier, 1, "2024-09-03T08:12:03+07:00", unit, "1.004616",
                "in_person", null, null, null, null, null, null, "2024-09-03T08:12:03+07:00"),
            new Event(id + 2, "paid", dossier, 2, "2024-09-03T08:15:00+07:00", null, null,
                null, dossier + "-1", 50_000L, "online", "national", null, null, null),
            new Event(id + 3, "resolved", dossier, 3, "2024-09-05T16:40:00+07:00", null, null,
                null, null, null, null, null, true, true, null),
            new Event(id + 4, "corrected", dossier, 4, "2024-09-06T09:00:00+07:00", null, null,
                "online", null, null, null, null, null, null, null));
    }

    public static void main(String[] arguments) throws Exception {
        String prefix = arguments.length > 1 ? arguments[1] : "lotrinh.";
        ObjectMapper json = new ObjectMapper();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (var producer = new KafkaProducer<String, byte[]>(settings(arguments[0]))) {
            for (Event event : life("000.17.34-240903-0002", "12688")) {
                String topic = prefix + TOPICS.get(event.type());
                byte[] value = json.writeValueAsBytes(event);
                sent.add(producer.send(new ProducerRecord<>(topic, event.dossier(), value)));
            }
            for (Future<RecordMetadata> record : sent) {
                record.get(); // throws what went wrong
            }
        }
    }
}
