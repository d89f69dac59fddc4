import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What is known of one dossier: field by field the newest fact wins, newest by (versioned, version, at, id).
 *
 * The rules of models/events.py, models/dossier.py and models/contributions.py as far as the benchmark's workload
 * needs them: received, paid, result-issued, corrected, transferred; times of one offset; no refusals, no copies,
 * no successions. Anything else is an error, so that an answer that differs cannot pass for one that agrees.
 */
final class Dossier {
    private static final JsonFactory JSON = new JsonFactory();
    private static final String OFFSET = "+07:00";

    /** How new an event is. */
    record Stamp(boolean versioned, long version, String at, String id) implements Comparable<Stamp> {
        @Override
        public int compareTo(Stamp other) {
            if (versioned != other.versioned) {
                return versioned ? 1 : -1;
            }
            int order = Long.compare(version, other.version);
            if (order == 0) {
                order = at.compareTo(other.at);
            }
            return order != 0 ? order : id.compareTo(other.id);
        }
    }

    /** A value and how new it is. Values are texts: a flag is "true" or "false", nothing is null. */
    record Fact(String value, Stamp stamp) {}

    /** One dossier or payment that counts: on a unit's civil day, in a cell, above the line or not. */
    record Contribution(String unit, String day, String cell, boolean above) {}

    private final Map<String, Fact> facts;

    private Dossier(Map<String, Fact> facts) {
        this.facts = facts;
    }

    static Dossier empty() {
        return new Dossier(new HashMap<>());
    }

    /** Take one event in, as bytes of JSON. */
    void merge(byte[] event) throws IOException {
        Map<String, String> wire = new HashMap<>();
        try (JsonParser parser = JSON.createParser(event)) {
            parser.nextToken();
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String field = parser.currentName();
                wire.put(field, parser.nextToken() == JsonToken.VALUE_NULL ? null : parser.getText());
            }
        }
        String type = wire.remove("type");
        String version = wire.remove("version");
        String at = wire.remove("at");
        wire.remove("dossier");
        if (!at.endsWith(OFFSET)) {
            throw new IllegalArgumentException("an offset other than the workload's");
        }
        Stamp stamp = new Stamp(version != null, version == null ? 0 : Long.parseLong(version), at, wire.remove("id"));
        String transaction = wire.remove("transaction");
        switch (type) {
            case "received" -> wire.putIfAbsent("received_at", at);
            case "result-issued" -> wire.putIfAbsent("issued_at", at);
            case "paid" -> {
                wire.putIfAbsent("paid_at", at);
                wire.put("payment", type);
            }
            case "corrected", "transferred" -> { }
            default -> throw new IllegalArgumentException("a type that the workload does not hold: " + type);
        }
        for (Map.Entry<String, String> said : wire.entrySet()) {
            String field = said.getKey();
            switch (field) {
                case "paid_at", "amount", "method", "gateway", "payment" -> field = field + "@" + transaction;
                default -> { }
            }
            Fact known = facts.get(field);
            if (known == null || known.stamp.compareTo(stamp) < 0) {
                facts.put(field, new Fact(said.getValue(), stamp));
            }
        }
    }

    /** Where the dossier counts. */
    List<Contribution> contributions() {
        List<Contribution> found = new ArrayList<>(4);
        String unit = value("unit");
        if (unit == null) {
            return found;
        }
        String received = value("received_at");
        String issued = value("issued_at");
        if (received != null) {
            found.add(new Contribution(unit, received.substring(0, 10), "online-dossiers", "online".equals(value("channel"))));
        }
        if (issued != null) {
            String day = issued.substring(0, 10);
            found.add(new Contribution(unit, day, "digitised-results", "true".equals(value("digitised"))));
            found.add(new Contribution(unit, day, "electronic-results", "true".equals(value("electronic"))));
        }
        for (Map.Entry<String, Fact> fact : facts.entrySet()) {
            String field = fact.getKey();
            String paid = fact.getValue().value;
            if (field.startsWith("paid_at@") && paid != null) {
                String of = field.substring(7);
                if (!"0".equals(value("amount" + of)) && !"refunded".equals(value("payment" + of))) {
                    boolean online = "online".equals(value("method" + of)) && "national".equals(value("gateway" + of));
                    found.add(new Contribution(unit, paid.substring(0, 10), "online-payments", online));
                }
            }
        }
        return found;
    }

    private String value(String field) {
        Fact fact = facts.get(field);
        return fact == null ? null : fact.value;
    }

    /** The row of state: each stamp once, and each field with the number of its stamp. */
    byte[] toBytes() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(384);
        DataOutputStream out = new DataOutputStream(bytes);
        List<Stamp> stamps = new ArrayList<>(4);
        for (Fact fact : facts.values()) {
            if (!stamps.contains(fact.stamp)) {
                stamps.add(fact.stamp);
            }
        }
        out.writeByte(stamps.size());
        for (Stamp stamp : stamps) {
            out.writeBoolean(stamp.versioned);
            out.writeLong(stamp.version);
            out.writeUTF(stamp.at);
            out.writeUTF(stamp.id);
        }
        out.writeShort(facts.size());
        for (Map.Entry<String, Fact> fact : facts.entrySet()) {
            out.writeUTF(fact.getKey());
            out.writeByte(stamps.indexOf(fact.getValue().stamp));
            String value = fact.getValue().value;
            out.writeBoolean(value != null);
            if (value != null) {
                out.writeUTF(value);
            }
        }
        return bytes.toByteArray();
    }

    static Dossier fromBytes(byte[] row) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(row));
        Stamp[] stamps = new Stamp[in.readByte()];
        for (int n = 0; n < stamps.length; n++) {
            stamps[n] = new Stamp(in.readBoolean(), in.readLong(), in.readUTF(), in.readUTF());
        }
        int fields = in.readShort();
        Map<String, Fact> facts = new HashMap<>(fields * 2);
        for (int n = 0; n < fields; n++) {
            String field = in.readUTF();
            Stamp stamp = stamps[in.readByte()];
            facts.put(field, new Fact(in.readBoolean() ? in.readUTF() : null, stamp));
        }
        return new Dossier(facts);
    }
}
