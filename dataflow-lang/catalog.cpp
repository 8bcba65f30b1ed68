#include "dataflow-lang/catalog.h"
