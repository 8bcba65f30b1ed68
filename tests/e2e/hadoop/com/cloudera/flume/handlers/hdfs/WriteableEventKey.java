package com.cloudera.flume.handlers.hdfs;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.hadoop.io.WritableComparable;

/** The key of an event in a SequenceFile, as docs/formats/output.md describes it. */
public class WriteableEventKey implements WritableComparable<WriteableEventKey> {
  public long timestamp;
  public long rest;

  @Override
  public void readFields(DataInput in) throws IOException {
    timestamp = in.readLong();
    rest = in.readLong();
  }

  @Override
  public void write(DataOutput out) throws IOException {
    out.writeLong(timestamp);
    out.writeLong(rest);
  }

  @Override
  public int compareTo(WriteableEventKey other) {
    return Long.compare(timestamp, other.timestamp);
  }
}
