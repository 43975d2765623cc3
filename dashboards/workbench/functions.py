"""The functions that a query of the workbench may call.

Here: their names. A function that is new in DuckDB is refused until somebody has reviewed it.
Not here: what else a query may contain (``dashboards.workbench.gate``).
"""

from __future__ import annotations

_AGGREGATES = """
any_value approx_count_distinct approx_quantile arbitrary arg_max arg_min argmax argmin array_agg avg bit_and bit_or
bit_xor bool_and bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg first fsum
geometric_mean group_concat histogram kahan_sum kurtosis last list mad max max_by mean median min min_by mode product
quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
regr_sxy regr_syy skewness stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance weighted_avg
"""
_WINDOWS = """
cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number
"""
_OPERATORS = """
!= !~~ !~~* % & && * ** + - ->> -> / // < << <= <@ = > >= >> @> ^ ^@ | || ~ ~~ ~~* ~~~ @
"""
_NUMBERS = """
abs acos add asin atan atan2 cbrt ceil ceiling cos cot degrees divide even exp factorial fdiv floor fmod gcd greatest
greatest_common_divisor isfinite isinf isnan lcm least least_common_multiple ln log log10 log2 mod multiply nextafter
pi pow power radians round round_even sign signbit sin sqrt subtract tan trunc xor random hash
"""
_DATES = """
age century current_date current_localtime current_localtimestamp date_add date_diff date_part date_sub date_trunc
datediff datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms
epoch_ns epoch_us era get_current_time get_current_timestamp hour isodow isoyear last_day make_date make_time
make_timestamp millennium millisecond microsecond minute month monthname now quarter second strftime strptime
time_bucket timezone to_centuries to_days to_decades to_hours to_microseconds to_millennia to_milliseconds to_minutes
to_months to_quarters to_seconds to_timestamp to_weeks to_years today transaction_timestamp try_strptime week weekday
weekofyear year yearweek
"""
_TEXTS = """
ascii bar bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein ends_with
format_bytes formatreadabledecimalsize formatreadablesize hamming instr jaccard jaro_similarity
jaro_winkler_similarity lcase left left_grapheme length length_grapheme levenshtein like_escape lower ltrim md5
nfc_normalize not_like_escape octet_length ord position prefix regexp_escape regexp_extract regexp_extract_all
regexp_full_match regexp_matches regexp_replace regexp_split_to_array replace reverse right right_grapheme rtrim
sha256 split split_part starts_with str_split str_split_regex string_split string_split_regex string_to_array
strip_accents strlen strpos substr substring substring_grapheme suffix translate trim ucase unicode upper url_decode
url_encode
"""
_NESTED = """
aggregate apply array_aggr array_aggregate array_append array_cat array_concat array_contains array_distinct
array_extract array_filter array_has array_has_all array_has_any array_indexof array_intersect array_length
array_pop_back array_pop_front array_position array_prepend array_push_back array_push_front array_reduce
array_reverse array_reverse_sort array_slice array_sort array_to_string array_transform array_unique array_value
cardinality element_at filter flatten generate_series generate_subscripts len list_aggr list_aggregate list_any_value
list_append list_apply list_avg list_cat list_concat list_contains list_count list_distinct list_element list_extract
list_filter list_first list_has list_has_all list_has_any list_indexof list_intersect list_last list_max list_median
list_min list_mode list_position list_prepend list_product list_reduce list_reverse list_reverse_sort list_select
list_slice list_sort list_sum list_transform list_unique list_value list_where list_zip map map_concat map_contains
map_entries map_extract map_extract_value map_from_entries map_keys map_values range reduce row struct_concat
struct_extract struct_extract_at struct_insert struct_keys struct_pack struct_values unnest
"""
_JSON = """
array_to_json from_json json json_array json_array_length json_contains json_exists json_extract json_extract_path
json_extract_path_text json_extract_string json_keys json_object json_structure json_transform json_type json_valid
json_value row_to_json to_json
"""
_OTHERS = """
coalesce constant_or_null error if ifnull nullif typeof
"""

FUNCTIONS = frozenset(
    " ".join((_AGGREGATES, _WINDOWS, _OPERATORS, _NUMBERS, _DATES, _TEXTS, _NESTED, _JSON, _OTHERS)).split()
)
"""Scalar functions, aggregates, window functions and operators, in lower case.

Excluded on purpose: functions that read files, settings, the environment or other queries (``read_*``, ``glob``,
``query``, ``getenv``, ``current_setting``, ``duckdb_*``), wait (``sleep_ms``), make long text from short (``repeat``,
``lpad``, ``rpad``, ``printf``, ``format``), keep state (``nextval``, ``setseed``) or run SQL
(``json_execute_serialized_sql``).
"""

TABLE_FUNCTIONS = frozenset({"generate_series", "range", "unnest", "json_each"})
"""Functions allowed in place of a table."""
