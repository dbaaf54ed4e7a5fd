SET LOCAL random_page_cost TO DEFAULT;
