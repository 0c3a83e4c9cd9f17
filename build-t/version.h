#define FSCHANGED_VERSION "664bb52-dirty"
