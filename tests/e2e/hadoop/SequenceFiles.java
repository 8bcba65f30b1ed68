import com.cloudera.flume.handlers.hdfs.WriteableEvent;
import com.cloudera.flume.handlers.hdfs.WriteableEventKey;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.SequenceFile.CompressionType;
import org.apache.hadoop.io.compress.BZip2Codec;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.io.compress.DefaultCodec;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Hadoop's own reader and writer for the tests. "read FILE..." prints a line for each event; "write FOLDER" makes files of every
 * compression that Hadoop writes without its native library and says what is in them. A line: the file's name, its compression and
 * codec, then the event with bytes in hexadecimal.
 */
public class SequenceFiles {
  private static final Configuration CONF = new Configuration();
  private static final PrintStream OUT = new PrintStream(System.out, false);

  private static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder("x");
    for (byte b : bytes) {
      text.append(String.format("%02x", b));
    }
    return text.toString();
  }

  private static String line(WriteableEvent event) {
    StringBuilder text = new StringBuilder();
    text.append(event.timestamp).append(' ').append(event.priority).append(' ').append(event.nanos).append(' ');
    text.append(hex(event.host.getBytes(StandardCharsets.UTF_8))).append(' ').append(hex(event.body));
    for (Map.Entry<String, byte[]> one : event.attributes.entrySet()) {
      text.append(' ').append(hex(one.getKey().getBytes(StandardCharsets.UTF_8))).append('=').append(hex(one.getValue()));
    }
    return text.toString();
  }

  private static void read(String name) throws IOException {
    Path path = new Path(name);
    try (SequenceFile.Reader reader = new SequenceFile.Reader(CONF, SequenceFile.Reader.file(path))) {
      CompressionCodec codec = reader.getCompressionCodec();
      String how = reader.getCompressionType() + "/" + (codec == null ? "none" : codec.getClass().getSimpleName());
      WriteableEventKey key = new WriteableEventKey();
      WriteableEvent event = new WriteableEvent();
      while (reader.next(key, event)) {
        if (key.timestamp != event.timestamp || key.rest != 0) {
          throw new IOException(name + ": a key that is not its event's");
        }
        OUT.println(path.getName() + " " + how + " " + line(event));
      }
    }
  }

  private static WriteableEvent event(int number) {
    WriteableEvent event = new WriteableEvent();
    StringBuilder body = new StringBuilder("event " + number);
    for (int i = 0; i < number % 40; ++i) {
      body.append(" and more");
    }
    event.body = body.append((char) ('\u00a1' + number % 90)).toString().getBytes(StandardCharsets.UTF_8);
    event.timestamp = 1700000000000L + number;
    event.priority = number % 6;
    event.nanos = number * 1000L;
    event.host = "h\u00f6st" + number % 3;
    event.attributes.put("number", new byte[] {(byte) number, 0, (byte) 255});
    return event;
  }

  private static void write(String folder) throws IOException {
    List<Class<? extends CompressionCodec>> codecs = List.of(DefaultCodec.class, BZip2Codec.class);
    for (CompressionType type : CompressionType.values()) {
      for (Class<? extends CompressionCodec> codecClass : codecs) {
        if (type == CompressionType.NONE && codecClass != DefaultCodec.class) {
          continue;
        }
        Path path = new Path(folder, type + "-" + codecClass.getSimpleName() + ".seq");
        CompressionCodec codec = ReflectionUtils.newInstance(codecClass, CONF);
        try (SequenceFile.Writer writer = SequenceFile.createWriter(CONF, SequenceFile.Writer.file(path),
            SequenceFile.Writer.keyClass(WriteableEventKey.class), SequenceFile.Writer.valueClass(WriteableEvent.class),
            SequenceFile.Writer.compression(type, codec))) {
          for (int i = 0; i < 100; ++i) {
            WriteableEvent event = event(i);
            WriteableEventKey key = new WriteableEventKey();
            key.timestamp = event.timestamp;
            writer.append(key, event);
            if (i % 30 == 29) {
              writer.sync();  // ends a block
            }
          }
        }
        read(path.toString());
      }
    }
  }

  public static void main(String[] args) throws IOException {
    CONF.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");  // no checksum files beside
    for (int i = 1; i < args.length; ++i) {
      if (args[0].equals("read")) {
        read(args[i]);
      } else {
        write(args[i]);
      }
    }
    OUT.flush();
  }
}
