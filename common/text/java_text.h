// Texts as Java's library prints them, for output formats whose bytes the classic system defined. Functions without
// state.
#pragma once

#include <string>
#include <string_view>

#include "common/text/local_time.h"

namespace flume {

void append_utf8(std::string& out, std::string_view bytes);          // broken sequences become U+FFFD
void append_java_escaped(std::string& out, std::string_view bytes);  // \n \" \\ \u00E9 ...: one line of ASCII
void append_java_date(std::string& out, const LocalTime& time);      // Wed Dec 31 16:00:00 PST 1969
void append_java_double(std::string& out, double number);            // 1.0, 0.001, 1.5E10, NaN
void append_clock(std::string& out, const LocalTime& time);          // 16:00:00
// Java's modified UTF-8 (DataOutput.writeUTF): NUL as C0 80, characters beyond U+FFFF as two surrogates of three bytes.
// At most `limit` bytes, cut between characters; broken sequences become U+FFFD.
void append_modified_utf8(std::string& out, std::string_view bytes, size_t limit);
// Back to UTF-8; a surrogate without its pair becomes U+FFFD. False: these bytes are none.
bool append_from_modified_utf8(std::string& out, std::string_view bytes);
// A JSON string with one character U+0000..U+00FF for each byte.
void append_json_latin1(std::string& out, std::string_view bytes);

}  // namespace flume
