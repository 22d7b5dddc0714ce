#include "CSquall.h"
