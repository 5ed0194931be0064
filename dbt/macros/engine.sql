{#
  Everything that DuckDB and Spark spell or do differently, in one file, by dispatch.
  Here stands DuckDB's spelling; another engine adds `spark__<name>` beside it.
#}

{# Without spaces around; no text at all is NULL. Trimming what needs none is dear. #}
{% macro as_clean_text(value) %}{{ return(adapter.dispatch('as_clean_text')(value)) }}{% endmacro %}
{% macro duckdb__as_clean_text(value) -%}
    case
        when {{ value }} >= '!' and not (
            prefix({{ value }}, chr(160)) or suffix({{ value }}, chr(160)) or suffix({{ value }}, ' ')
            or suffix({{ value }}, chr(9)) or suffix({{ value }}, chr(10)) or suffix({{ value }}, chr(13))
        ) then {{ value }}
        else nullif(trim({{ value }}, ' ' || chr(160) || chr(9) || chr(10) || chr(13)), '')
    end
{%- endmacro %}

{# Name as it is compared: case, spaces and the letter yo do not tell people apart. #}
{% macro as_match_name(value) %}{{ return(adapter.dispatch('as_match_name')(value)) }}{% endmacro %}
{% macro duckdb__as_match_name(value) -%}
    nullif(trim(regexp_replace(replace(lower(replace({{ value }}, chr(160), ' ')), 'ё', 'е'), '\s+', ' ', 'g')), '')
{%- endmacro %}

{#
  Number in a person's spelling -> plain text that casts: "1 234,50 руб.", "$1,234.50", "(12.00)". A word that
  multiplies ("45k", "45 тыс.") is no currency, and few single letters are: such a text
  ("7x", "~7", "7*") is no number. Nor is one whose thousands do not stand in threes ("12,5" where the point
  is the decimal sign), with two signs ("--5") or with half a pair of brackets.
#}
{% macro as_plain_number(value, decimal) %}{{ return(adapter.dispatch('as_plain_number')(value, decimal)) }}{% endmacro %}
{% macro duckdb__as_plain_number(value, decimal) -%}
    {%- set space = "[\\s\\x{00A0}\\x{202F}]" -%}
    {%- set gap = space ~ "*" -%}
    {%- set sign, letter = currency_signs(), currency_letters() -%}
    {%- set mark = "(" ~ letter ~ "{0,3}" ~ sign ~ "|" ~ sign ~ letter ~ "{0,3}|" ~ letter ~ "{2,4}|[рРRr元円]|'')\\.?" -%}
    case
        when not regexp_matches({{ value }}, '^\s*[-+−(]?{{ gap }}({{ mark }})?{{ gap }}[-−]?{{ gap }}\d[\d\s\x{00A0}\x{202F}''.,]*\)?{{ gap }}({{ mark }}|%)?{{ gap }}\)?\s*$') then null
        when regexp_matches({{ value }}, '\d\s*(k|m|mm|mln|mio|b|bn|к|т|тр|тыс|м|млн|млрд)\.?\s*$', 'i') then null
        when contains({{ value }}, '(') <> contains({{ value }}, ')') or regexp_matches({{ value }}, '[-+−(].*[-+−(]') then null
        when {{ decimal }} = ',' and not regexp_matches({{ value }}, '^\D*(\d{1,3}(({{ space }}+|[''.])\d{3})+|\d+)(,\d+)?\D*$') then null
        when coalesce({{ decimal }}, '.') = '.' and not regexp_matches({{ value }}, '^\D*(\d{1,3}(({{ space }}+|['',])\d{3})+|\d{1,2}(,\d{2})+,\d{3}|\d+)(\.\d+)?\D*$') then null
        else case when regexp_matches({{ value }}, '^\s*\(.*\)\s*$|^[^\d]*[-−]') then '-' else '' end
            || case when {{ decimal }} = ','
                then replace(regexp_replace({{ value }}, '[^\d,]', '', 'g'), ',', '.')
                else regexp_replace(regexp_replace({{ value }}, '\.\s*$|[^\d.]+\.\s*$', ''), '[^\d.]', '', 'g')
            end
    end
{%- endmacro %}

{# Signs, and letters of the scripts that currencies are written in: `\p{L}` would take RE2 a hundredth of a second. #}
{% macro currency_signs() -%} [$¢-¥₠-₿] {%- endmacro %}
{% macro currency_letters() -%} [A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ӿႠ-ჿ一-鿿] {%- endmacro %}

{# What a number that is not plain says its currency is: "руб", "us$", "€"; NULL where it says nothing. #}
{% macro currency_mark(value) %}{{ return(adapter.dispatch('currency_mark')(value)) }}{% endmacro %}
{% macro duckdb__currency_mark(value) -%}
    case when try_cast({{ value }} as decimal(18, 4)) is null
        then nullif(lower(regexp_extract({{ value }}, '{{ currency_letters() }}*{{ currency_signs() }}{{ currency_letters() }}*|{{ currency_letters() }}+')), '') end
{%- endmacro %}

{#
  Number or NULL, exact. Fast where the text is already plain. A percent sign divides a share by a hundred; money
  and counts have none.
#}
{% macro as_number(value, decimal, type, takes_percent=false) %}{{ return(adapter.dispatch('as_number')(value, decimal, type, takes_percent)) }}{% endmacro %}
{% macro duckdb__as_number(value, decimal, type, takes_percent) -%}
    coalesce(
        case when coalesce({{ decimal }}, '.') = '.' then try_cast({{ value }} as {{ type }}) end,
        case
            when contains({{ value }}, '%') then {% if takes_percent %}try_cast(try_cast({{ as_plain_number(value, decimal) }} as decimal(18, 6)) * 0.01 as {{ type }}){% else %}null{% endif %}
            when {{ value }} is not null then try_cast({{ as_plain_number(value, decimal) }} as {{ type }})
        end
    )
{%- endmacro %}

{# 'd' business date, 'u' instant with an offset (Z, UTC, GMT: by its last letter) or unix seconds, 'l' local time. #}
{% macro time_kind(value) %}{{ return(adapter.dispatch('time_kind')(value)) }}{% endmacro %}
{% macro duckdb__time_kind(value) -%}
    case
        when {{ value }} is null then null
        when length({{ value }}) <= 10 and not regexp_matches({{ value }}, '^\d{10}$|^\d{5}\.\d+$') then 'd'
        when {% for letter in 'ZCcTt' %}suffix({{ value }}, '{{ letter }}') or {% endfor %}contains(substr({{ value }}, 11), '+')
            or contains(substr({{ value }}, 11), '-') or regexp_matches({{ value }}, '^\d{10}(\.\d+)?$|^\d{13}$') then 'u'
        else 'l'
    end
{%- endmacro %}

{#
  Timestamp as written; with an offset or unix seconds: in UTC. NULL where the text is no time, has a year
  before 1900, or names a zone other than UTC and GMT.
#}
{% macro as_written_time(value, date_order) %}{{ return(adapter.dispatch('as_written_time')(value, date_order)) }}{% endmacro %}
{% macro duckdb__as_written_time(value, date_order) -%}
    case
        when {{ value }} is null then null
        when {{ time_kind(value) }} = 'u' then case
            when regexp_matches({{ value }}, '^(19|[2-9]\d)\d\d-[ \d:.T-]+(Z|(?i:UTC|GMT)|[+-][\d:]+)$') then timezone('UTC', try_cast({{ value }} as timestamptz))
            when regexp_matches({{ value }}, '^\d{10}(\.\d+)?$') then make_timestamp(cast(cast({{ value }} as double) * 1000000 as bigint))
            when regexp_matches({{ value }}, '^\d{13}$') then make_timestamp(cast({{ value }} as bigint) * 1000) end
        when substr({{ value }}, 5, 1) = '-' and {{ value }} >= '1900' and right({{ value }}, 1) <= '9' then try_cast({{ value }} as timestamp)
        when regexp_matches({{ value }}, '^\d{5}(\.\d+)?$') then
            case when cast({{ value }} as double) between 20000 and 80000 then
                timestamp '1899-12-30' + to_seconds(round(cast({{ value }} as double) * 86400)) end
        else {{ as_ordered_time(value, date_order) }}
    end
{%- endmacro %}

{#
  Times such as 31.12.2026 18:05 or 12/31/26: the order of day and month is the column's. A year has four digits
  or two: formats are tried by how many, since `%Y` takes 26 for the year 26, and each that fails is dear.
#}
{% macro as_ordered_time(value, date_order) %}{{ return(adapter.dispatch('as_ordered_time')(value, date_order)) }}{% endmacro %}
{% macro duckdb__as_ordered_time(value, date_order) -%}
    {%- set v = "replace(replace(replace(" ~ value ~ ", '/', '.'), '-', '.'), ', ', ' ')" -%}
    {%- set times = ['', ' %H:%M', ' %H:%M:%S', ' %H:%M:%S.%f', ' %I:%M %p', ' %I:%M:%S %p'] -%}
    {%- set years = {'%Y': '^(\\d{1,2}\\D\\d{1,2}\\D)?(19|[2-9]\\d)\\d\\d\\b', '%y': '^\\d{1,2}\\D\\d{1,2}\\D\\d\\d\\b'} -%}
    case
        {%- for year, written in years.items() %}
        when regexp_matches({{ value }}, '{{ written }}') then case {{ date_order }}
            {%- for order, day in [('dmy', '%d.%m.' ~ year), ('mdy', '%m.%d.' ~ year), ('ymd', '%Y.%m.%d')] if year == '%Y' or order != 'ymd' %}
            when '{{ order }}' then try_strptime({{ v }}, [{% for time in times %}'{{ day }}{{ time }}'{{ ', ' if not loop.last }}{% endfor %}])
            {%- endfor %}
        end
        {%- endfor %}
    end
{%- endmacro %}

{# Local time of a zone -> UTC. Constant offset where there is one; else the zone's own rules, where
   a time that exists twice is its first occurrence and one that does not exist the first valid. #}
{% macro local_to_utc(value, zone, offset_seconds, valid_from) %}{{ return(adapter.dispatch('local_to_utc')(value, zone, offset_seconds, valid_from)) }}{% endmacro %}
{% macro duckdb__local_to_utc(value, zone, offset_seconds, valid_from) -%}
    case
        when {{ value }} is null then null
        when {{ value }} >= {{ valid_from }} then {{ value }} - to_seconds({{ offset_seconds }})
        when timezone({{ zone }}, timezone('UTC', {{ local_guess(value, zone) }}) - interval 1 hour) = {{ value }}
            then {{ local_guess(value, zone) }} - interval 1 hour
        when timezone({{ zone }}, timezone('UTC', {{ local_guess(value, zone) }})) <> {{ value }}
            then {{ first_valid_utc(value, zone) }}
        else {{ local_guess(value, zone) }}
    end
{%- endmacro %}
{% macro local_guess(value, zone) -%}timezone('UTC', timezone({{ zone }}, {{ value }})){%- endmacro %}

{# The clock jumped over this time: the instant at which it jumped (within the same half hour grid). #}
{% macro first_valid_utc(value, zone) -%}
    timezone('UTC', timezone({{ zone }}, date_trunc('hour', timezone({{ zone }}, timezone('UTC', {{ local_guess(value, zone) }})))))
{%- endmacro %}

{% macro utc_to_local(value, zone, offset_seconds, valid_from) %}{{ return(adapter.dispatch('utc_to_local')(value, zone, offset_seconds, valid_from)) }}{% endmacro %}
{% macro duckdb__utc_to_local(value, zone, offset_seconds, valid_from) -%}
    case
        when {{ value }} >= {{ valid_from }} then {{ value }} + to_seconds({{ offset_seconds }})
        when {{ value }} is not null then timezone({{ zone }}, timezone('UTC', {{ value }}))
    end
{%- endmacro %}

{# Keyed hash of personal data; the key lives in memory only (database `vault`). #}
{% macro as_keyed_hash(value) %}{{ return(adapter.dispatch('as_keyed_hash')(value)) }}{% endmacro %}
{% macro duckdb__as_keyed_hash(value) -%}
    case when keeps_personal_data then {{ value }} else sha256(vault_key || ':' || {{ value }}) end
{%- endmacro %}

{#
  Phone as the digits of its international form. Plain spellings of the company's country (none said: of the
  plan of +7) and plain international ones are read here, the others by numbering plans (`kpi_phone`, which the
  connection registers). 8 999 ... and +7 999 ... are one number; one digit repeated is none.
#}
{% macro as_phone_digits(value) %}{{ return(adapter.dispatch('as_phone_digits')(value)) }}{% endmacro %}
{% macro duckdb__as_phone_digits(value) -%}
    {%- set tight = "translate(" ~ value ~ ", ' ()-.' || chr(160), '')" -%}
    {%- set is_filled = "right(" ~ tight ~ ", 9) not in ('000000000', '111111111', '222222222', '333333333', '444444444', '555555555', '666666666', '777777777', '888888888', '999999999')" -%}
    case
        when {{ value }} is null then null
        {%- for countries, code, national in [("'RU', 'KZ'", '7', '^(\\+?7|8)?\\d{10}$'), ("'US', 'CA'", '1', '^(\\+?1)?\\d{10}$')] %}
        when coalesce(company_country, 'RU') in ({{ countries }}) and regexp_matches({{ tight }}, '{{ national }}') and {{ is_filled }}
            then '{{ code }}' || right({{ tight }}, 10)
        {%- endfor %}
        when regexp_matches({{ value }}, '^\+[\d -]{9,}$') and length({{ tight }}) <= 16 and {{ is_filled }}
            and not regexp_matches({{ value }}, '^\+\d{1,3}[ -]*0\d') then substr({{ tight }}, 2)
        else kpi_phone({{ value }}, company_country)
    end
{%- endmacro %}

{# E-mail address in a text: lower case, out of `Name <a@b.c>` or `mailto:`; NULL where there is none. #}
{% macro as_email(value) %}{{ return(adapter.dispatch('as_email')(value)) }}{% endmacro %}
{% macro duckdb__as_email(value) -%}
    nullif(lower(regexp_extract({{ value }}, '[^\s@<>:;,"()]+@[^\s@<>:;,"()]+')), '')
{%- endmacro %}

{#
  Name of a person where it is an e-mail: a mask with 16 signs of the keyed hash, so that nobody reads it and
  it still tells one from another. Other names stay.
#}
{% macro as_person_name(value) -%}
    case when {{ value }} like '%@%' and not keeps_personal_data and {{ as_email(value) }} is not null
        then left({{ as_email(value) }}, 1) || '***@' || {{ nth_part(as_email(value), "'@'", 2) }} || ' #' || left({{ as_keyed_hash(as_email(value)) }}, 16)
        else {{ value }} end
{%- endmacro %}

{#
  A text as reports show it: e-mails are withheld, and phones that begin with + or are 11 digits from 7 or 8;
  other numbers are of contracts and taxes.
#}
{% macro without_contacts(value) %}{{ return(adapter.dispatch('without_contacts')(value)) }}{% endmacro %}
{% macro duckdb__without_contacts(value) -%}
    regexp_replace(regexp_replace({{ value }}, '[^\s@<>:;,"()]+@[^\s@<>:;,"()]+', '***', 'g'), '(^|\D)(\+\d[\d ()-]{7,16}\d|[78][ (-]*\d{3}[ )-]*\d{3}[ -]*\d{2}[ -]*\d{2}\b)', '\1***', 'g')
{%- endmacro %}

{# Name of a customer, of which a phone or an e-mail is withheld; 16 signs of the keyed hash tell one from another. #}
{% macro as_customer_name(value) -%}
    case when not keeps_personal_data and {{ without_contacts(value) }} <> {{ value }}
        then {{ without_contacts(value) }} || ' #' || left({{ as_keyed_hash(as_match_name(value)) }}, 16) else {{ value }} end
{%- endmacro %}

{# What tells one e-mail from another, of its keyed hash, of the name made of it, or of the address itself. #}
{% macro email_mark(value) %}{{ return(adapter.dispatch('email_mark')(value)) }}{% endmacro %}
{% macro duckdb__email_mark(value) -%}
    case
        when regexp_matches({{ value }}, '^[0-9a-f]{64}$') then left({{ value }}, 16)
        when regexp_matches({{ value }}, '@.* #[0-9a-f]{16}$') then right({{ value }}, 16)
        else lower({{ value }})
    end
{%- endmacro %}

{# Reference to a record of another table: of the same source unless it names one (`crm:17`). #}
{% macro as_reference(value) %}{{ return(adapter.dispatch('as_reference')(value)) }}{% endmacro %}
{% macro duckdb__as_reference(value) -%}
    case
        when contains({{ value }}, ':') and regexp_matches({{ value }}, source_prefixes) then {{ value }}
        else source_name || ':' || {{ value }}
    end
{%- endmacro %}

{# Value inside a text of JSON, at a path such as `$[0].id`; NULL where the text is no JSON. #}
{% macro json_text(value, path) %}{{ return(adapter.dispatch('json_text')(value, path)) }}{% endmacro %}
{% macro duckdb__json_text(value, path) -%}
    case when json_valid({{ value }}) then json_extract_string({{ value }}, '{{ path }}') end
{%- endmacro %}

{# One row per item of a JSON list, as text of JSON; none where the text is no JSON. #}
{% macro each_json_item(value) %}{{ return(adapter.dispatch('each_json_item')(value)) }}{% endmacro %}
{% macro duckdb__each_json_item(value) -%}
    unnest(case when json_valid({{ value }}) then cast(json_extract({{ value }}, '$[*]') as varchar[]) end)
{%- endmacro %}

{# Percentile of whole numbers, interpolated; every engine here calls it percentile_cont. #}
{% macro percentile(column, share) %}{{ return(adapter.dispatch('percentile')(column, share)) }}{% endmacro %}
{% macro duckdb__percentile(column, share) -%}
    cast(quantile_cont({{ column }}, {{ share }}) as double)
{%- endmacro %}

{% macro days_between(start, finish) %}{{ return(adapter.dispatch('days_between')(start, finish)) }}{% endmacro %}
{% macro duckdb__days_between(start, finish) -%}cast({{ finish }} - {{ start }} as integer){%- endmacro %}

{% macro seconds_of_day(value) %}{{ return(adapter.dispatch('seconds_of_day')(value)) }}{% endmacro %}
{% macro duckdb__seconds_of_day(value) -%}
    cast(extract(hour from {{ value }}) * 3600 + extract(minute from {{ value }}) * 60 + extract(second from {{ value }}) as integer)
{%- endmacro %}

{% macro add_days(day, count) %}{{ return(adapter.dispatch('add_days')(day, count)) }}{% endmacro %}
{% macro duckdb__add_days(day, count) -%}cast({{ day }} + cast({{ count }} as integer) as date){%- endmacro %}

{% macro add_months(day, count) %}{{ return(adapter.dispatch('add_months')(day, count)) }}{% endmacro %}
{% macro duckdb__add_months(day, count) -%}cast({{ day }} + to_months(cast({{ count }} as integer)) as date){%- endmacro %}

{# One row per day from `first` to `last`, both included, as column `day`. #}
{% macro each_day(first, last) %}{{ return(adapter.dispatch('each_day')(first, last)) }}{% endmacro %}
{% macro duckdb__each_day(first, last) -%}
    unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day))
{%- endmacro %}

{# One row per part of a text that `separator` divides; the other columns repeat. #}
{% macro each_part(value, separator) %}{{ return(adapter.dispatch('each_part')(value, separator)) }}{% endmacro %}
{% macro duckdb__each_part(value, separator) -%}unnest(string_split({{ value }}, {{ separator }})){%- endmacro %}

{# A sum of measures, decimal(38, 10), rounded half-up to what is published, decimal(38, 4): the cast says the same at twice the cost. #}
{% macro to_four_digits(value) %}{{ return(adapter.dispatch('to_four_digits')(value)) }}{% endmacro %}
{% macro duckdb__to_four_digits(value) -%}round({{ value }}, 4){%- endmacro %}

{% macro nth_part(value, separator, number) %}{{ return(adapter.dispatch('nth_part')(value, separator, number)) }}{% endmacro %}
{% macro duckdb__nth_part(value, separator, number) -%}split_part({{ value }}, {{ separator }}, {{ number }}){%- endmacro %}

{# First day of the fiscal quarter or year (`months` = 3 or 12) that holds a day. #}
{% macro fiscal_start(day, months, first_month) -%}
    {{ add_months("cast(date_trunc('month', " ~ day ~ ") as date)",
        "-((extract(month from " ~ day ~ ") - " ~ first_month ~ " + 12) % " ~ months ~ ")") }}
{%- endmacro %}

{# Monday of the ISO week: day of week is numbered differently by engines, so count from a Monday. #}
{% macro iso_week_start(day) -%}
    {{ add_days(day, '-((' ~ days_between("date '1900-01-01'", day) ~ ') % 7)') }}
{%- endmacro %}

{# Working minutes from the calendar's beginning to an instant, on its day's row of int_working_time__daily. #}
{% macro working_minute(value, day) -%}
    {{ day }}.minutes_before + least(greatest({{ minutes_between(day ~ '.work_start_at', value) }}, 0), {{ day }}.work_minutes)
{%- endmacro %}

{# Whole minutes that have passed between two instants. #}
{% macro minutes_between(start, finish) %}{{ return(adapter.dispatch('minutes_between')(start, finish)) }}{% endmacro %}
{% macro duckdb__minutes_between(start, finish) -%}cast(floor((epoch_us({{ finish }}) - epoch_us({{ start }})) / 60000000.0) as integer){%- endmacro %}

{% macro add_minutes(value, count) %}{{ return(adapter.dispatch('add_minutes')(value, count)) }}{% endmacro %}
{% macro duckdb__add_minutes(value, count) -%}{{ value }} + to_minutes(cast({{ count }} as bigint)){%- endmacro %}

{# Money in a log of changes, which holds every kind of value: only spellings that mean one number. #}
{% macro as_unmistakable_money(value) %}{{ return(adapter.dispatch('as_unmistakable_money')(value)) }}{% endmacro %}
{% macro duckdb__as_unmistakable_money(value) -%}
    case
        when regexp_matches({{ value }}, '^\s*-?\d+(\.\d+)?\s*$') then try_cast(trim({{ value }}) as decimal(18, 4))
        when regexp_matches({{ value }}, '^\s*-?\d[\d\s\x{00A0}\x{202F}]*(,\d{1,2})?\s*$') then {{ as_number(value, "','", 'decimal(18, 4)') }}
        when regexp_matches({{ value }}, '^\s*-?\d{1,3}([, ]\d{3})*\.\d+\s*$') then {{ as_number(value, "'.'", 'decimal(18, 4)') }}
    end
{%- endmacro %}

{# Date in a log of changes: ISO only, since no column tells the order of day and month. #}
{% macro as_iso_day(value) %}{{ return(adapter.dispatch('as_iso_day')(value)) }}{% endmacro %}
{% macro duckdb__as_iso_day(value) -%}
    case when regexp_matches({{ value }}, '^\s*\d{4}-\d{2}-\d{2}') then try_cast(substr(trim({{ value }}), 1, 10) as date) end
{%- endmacro %}
