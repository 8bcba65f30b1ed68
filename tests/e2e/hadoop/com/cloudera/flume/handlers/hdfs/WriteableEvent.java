package com.cloudera.flume.handlers.hdfs;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.io.Writable;

/** An event in a SequenceFile, as docs/formats/output.md describes it. */
public class WriteableEvent implements Writable {
  public byte[] body = new byte[0];
  public long timestamp;
  public int priority;
  public long nanos;
  public String host = "";
  public Map<String, byte[]> attributes = new TreeMap<>();

  private static byte[] readBytes(DataInput in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return bytes;
  }

  @Override
  public void readFields(DataInput in) throws IOException {
    body = readBytes(in);
    timestamp = in.readLong();
    priority = in.readInt();
    nanos = in.readLong();
    host = in.readUTF();
    attributes = new TreeMap<>();
    for (int left = in.readInt(); left > 0; --left) {
      String name = in.readUTF();
      attributes.put(name, readBytes(in));
    }
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeInt(body.length);
    out.write(body);
    out.writeLong(timestamp);
    out.writeInt(priority);
    out.writeLong(nanos);
    out.writeUTF(host);
    out.writeInt(attributes.size());
    for (Map.Entry<String, byte[]> one : attributes.entrySet()) {
      out.writeUTF(one.getKey());
      out.writeInt(one.getValue().length);
      out.write(one.getValue());
    }
  }
}
