# cmake -D FOLDER=DIR -D NAMES=a,b -D OUTPUT=FILE.c -P embed_profiles.cmake : the files DIR/a.yaml …
# as the array rf_profiles, line by line.
string(REPLACE "," ";" NAMES "${NAMES}")
list(SORT NAMES)
set(all "")
foreach(name IN LISTS NAMES)
    file(READ "${FOLDER}/${name}.yaml" text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
    string(APPEND all "    {\"${name}\",\n     \"${text}\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "/* Made by embed_profiles.cmake from tools/profiles. */\n"
     "#include \"tools/profile.h\"\n\n#include <stddef.h>\n\n"
     "const struct rf_profile rf_profiles[] = {\n${all}    {NULL, NULL},\n};\n")
