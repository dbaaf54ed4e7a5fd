/* Which tables belong to virtual ones: a mistake either loses the application's rows or copies an
 * index's insides. */
#include <criterion/criterion.h>
#include <string.h>

#include "capture/virtual_table.h"

static const char *module_of(const char *sql) {
    static char module[RF_MODULE_NAME_SIZE];
    rf_virtual_module(sql, module);
    return module;
}

Test(virtual_table, module_is_found_behind_odd_names_and_comments) {
    cr_assert_str_eq(module_of("CREATE VIRTUAL TABLE t USING fts5(a, b)"), "fts5");
    cr_assert_str_eq(module_of("create virtual table if not exists t using\n rtree (id, x0, x1)"),
                     "rtree");
    cr_assert_str_eq(module_of("CREATE VIRTUAL TABLE \"a using b\" USING 'fts4'(x)"), "fts4");
    cr_assert_str_eq(module_of("CREATE VIRTUAL TABLE [using] /* using x */ USING vec0"), "vec0");
    cr_assert_str_eq(module_of("CREATE VIRTUAL TABLE t -- using no\nUSING \"fts3\""), "fts3");
    cr_assert_str_eq(module_of("CREATE TABLE t(a)"), "");
    cr_assert_str_eq(module_of("CREATE VIRTUAL TABLE \"unclosed USING fts5"), "");
    cr_assert_str_eq(module_of(""), "");
    cr_assert_str_eq(module_of(NULL), "");
}

Test(virtual_table, tables_of_known_modules_and_no_others) {
    const char *fts = "CREATE VIRTUAL TABLE docs USING fts5(body)";
    cr_assert(rf_virtual_owns("docs", fts, "docs_data"));
    cr_assert(rf_virtual_owns("docs", fts, "DOCS_Config"));
    cr_assert_not(rf_virtual_owns("docs", fts, "docs_archive"), "the application's own table");
    cr_assert_not(rf_virtual_owns("docs", fts, "docs"));
    cr_assert_not(rf_virtual_owns("docs", fts, "docs_"));
    cr_assert_not(rf_virtual_owns("docs", fts, "other_data"));
    cr_assert_not(
        rf_virtual_owns("docs", "CREATE VIRTUAL TABLE docs USING mystery(x)", "docs_data"),
        "a module that nobody knows may have no tables at all");
    const char *vec = "CREATE VIRTUAL TABLE v USING vec0(e float[3])";
    cr_assert(rf_virtual_owns("v", vec, "v_vector_chunks00"));
    cr_assert(rf_virtual_owns("v", vec, "v_rowids"));
}

Test(virtual_table, external_content_is_the_applications) {
    const char *sql = "CREATE VIRTUAL TABLE docs USING fts5(body, content='docs_content', "
                      "content_rowid='id')";
    cr_assert(rf_virtual_borrows(sql, "docs_content"));
    cr_assert_not(rf_virtual_owns("docs", sql, "docs_content"));
    cr_assert(rf_virtual_owns("docs", sql, "docs_data"));
    cr_assert_not(rf_virtual_borrows(sql, "docs_data"));
    cr_assert(
        rf_virtual_borrows("CREATE VIRTUAL TABLE d USING fts4(content=\"it\"\"s\", a)", "it\"s"));
    cr_assert(rf_virtual_borrows("CREATE VIRTUAL TABLE d USING fts5(a, Content = Plain)", "plain"));
    cr_assert_not(rf_virtual_borrows("CREATE VIRTUAL TABLE d USING fts5(content, a)", "content"));
    cr_assert_not(rf_virtual_borrows("CREATE VIRTUAL TABLE d USING rtree(content=x)", "x"));
}
