/* The fixed statements, one a file in sql/, compiled into the program (embed_sql.cmake). What each
 * is for stands in its file; ledger.h and others give each a function. Braces are places that
 * rf_template_fill fills. */
#ifndef RF_REPLAY_SQL_H
#define RF_REPLAY_SQL_H

extern const char rf_sql_aside_any[];
extern const char rf_sql_aside_clear[];
extern const char rf_sql_aside_copy[];
extern const char rf_sql_aside_count[];
extern const char rf_sql_aside_count_table[];
extern const char rf_sql_aside_drop[];
extern const char rf_sql_aside_hashes[];
extern const char rf_sql_aside_number[];
extern const char rf_sql_aside_remove[];
extern const char rf_sql_aside_rename[];
extern const char rf_sql_aside_temporary[];
extern const char rf_sql_column_add[];
extern const char rf_sql_column_list[];
extern const char rf_sql_column_plain[];
extern const char rf_sql_constraint_add[];
extern const char rf_sql_constraint_judge[];
extern const char rf_sql_constraint_list[];
extern const char rf_sql_constraint_remove[];
extern const char rf_sql_default_privileges[];
extern const char rf_sql_export_snapshot[];
extern const char rf_sql_gone_drop[];
extern const char rf_sql_index_add[];
extern const char rf_sql_index_list[];
extern const char rf_sql_index_refuse[];
extern const char rf_sql_index_remove[];
extern const char rf_sql_keyless_delete[];
extern const char rf_sql_ledger_create[];
extern const char rf_sql_ledger_find[];
extern const char rf_sql_ledger_version[];
extern const char rf_sql_lock_holder[];
extern const char rf_sql_lock_name[];
extern const char rf_sql_object_add[];
extern const char rf_sql_object_forget[];
extern const char rf_sql_object_forget_written[];
extern const char rf_sql_object_list[];
extern const char rf_sql_object_written[];
extern const char rf_sql_relation_add[];
extern const char rf_sql_relation_list[];
extern const char rf_sql_relation_move[];
extern const char rf_sql_relation_remove[];
extern const char rf_sql_schema_facts[];
extern const char rf_sql_schema_names[];
extern const char rf_sql_sequence_list[];
extern const char rf_sql_session[];
extern const char rf_sql_session_loader[];
extern const char rf_sql_session_notice_client[];
extern const char rf_sql_source_begin_load[];
extern const char rf_sql_source_forget[];
extern const char rf_sql_source_lock[];
extern const char rf_sql_source_read[];
extern const char rf_sql_source_ready[];
extern const char rf_sql_step_claim[];
extern const char rf_sql_step_clear[];
extern const char rf_sql_step_complete[];
extern const char rf_sql_step_list[];
extern const char rf_sql_table_columns[];
extern const char rf_sql_trip_add[];
extern const char rf_sql_try_lock[];

#endif
