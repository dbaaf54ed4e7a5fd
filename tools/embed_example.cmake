# cmake -D INPUT=FILE -D OUTPUT=FILE.c -P embed_example.cmake : the file as the string
# rf_example_config, line by line.
file(READ "${INPUT}" text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
file(WRITE "${OUTPUT}" "/* Made by embed_example.cmake from tools/rowferry.yaml.example. */\n"
     "#include \"tools/config.h\"\n\nconst char rf_example_config[] =\n    \"${text}\";\n")
