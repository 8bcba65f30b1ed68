// The link between nodes (docs/formats/wire.md): framed strict binary calls in both directions on one connection, all of
// them one-way. The first call each way is linkHello. Bulk data is the encoded batch of docs/formats/batch.md as a binary
// argument; its envelope is written and read by hand (link_frame.h), this text stays true to it. Fields are never
// renumbered.
namespace cpp flume.rpc.link

struct StreamState {
  1: binary stream;        // hop stream, 16 bytes
  2: i64 lowest;           // not used
  3: i64 upcoming;         // receiver: behind the last row that it has; 0: it has none
  4: i64 chain;            // receiver: running hash of the stream there; 0: not known
}

struct Hello {
  1: i32 protocol;         // the newest one spoken
  2: i32 oldest_protocol;
  3: binary node_id;
  4: string node;
  5: i64 boot_epoch;
  6: string version;       // of the program, for people
  7: i64 max_frame;        // largest frame accepted
  8: list<string> codecs;  // of blobs: none zstd lz4 gzip
  9: list<string> acks;    // what an acknowledgement can mean here: received durable
  10: binary credentials;
  11: list<StreamState> streams; // sender: that it may send rows of; receiver: what it has of these. At most 500
  12: i64 credit;          // receiver: as in Reply
  13: optional binary link;    // sender: random, of this link
  14: optional binary follows; // sender: the link before, which it has given up
}

struct Range {
  1: binary stream;
  2: i64 first;
  3: i64 below;
}

struct Nak {
  1: binary stream;
  2: i64 first;            // send again from here
}

struct Reply {
  1: i64 received;         // rows of this connection that the receiver's flow took over
  2: i64 credit;           // batch bytes that may have been sent on this connection in all
  3: list<Range> durable;  // since the last reply
  4: list<Nak> naks;
  5: bool want_commit;     // not used: linkAlive has it
  6: list<binary> foreign; // not used: the hello has it
  7: string error;         // last words before the receiver closes
  8: i64 settled;          // rows of this connection, without a gap, that the receiver's sinks took responsibility for
}

service FlumeLink {
  oneway void linkHello(1: Hello hello),
  oneway void sendBatch(1: binary batch),
  oneway void linkReply(1: Reply reply),
  oneway void linkAlive(1: bool want_commit)   // an empty call says false
}
