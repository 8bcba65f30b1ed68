// The compiled half of Asio, once for the program.
#include <boost/asio/impl/src.hpp>
