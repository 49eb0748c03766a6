-- Reads clocks, chance, users or catalogues, or hides what it reads: harmless to the host, but no fact of the audit. The gate refuses it.

-- name: now
select account_key as resource, created_at < now() as ok, 'x' as name from account

-- name: current_date
select account_key as resource, created_at < current_date as ok, 'x' as name from account

-- name: current_timestamp
select account_key as resource, created_at < current_timestamp as ok, 'x' as name from account

-- name: localtimestamp
select account_key as resource, created_at < localtimestamp as ok, 'x' as name from account

-- name: clock legalised by an alias
select account_key as resource, created_at < current_date as ok, 'x' as name from account where exists (select 1 as current_date)

-- name: clock as a CTE name
with current_timestamp as (select 1 as one) select account_key as resource, true as ok, 'x' as name from account

-- name: clock in upper case
select account_key as resource, created_at < CURRENT_DATE as ok, 'x' as name from account

-- name: quoted clock
select account_key as resource, created_at < "current_date" as ok, 'x' as name from account

-- name: age
select account_key as resource, age(created_at) < interval 1 day as ok, 'x' as name from account

-- name: random
select account_key as resource, random() < 0.5 as ok, 'x' as name from account

-- name: uuid
select account_key as resource, true as ok, cast(uuid() as text) as name from account

-- name: sampled table
select account_key as resource, true as ok, 'x' as name from account tablesample 10%

-- name: sampled query
select account_key as resource, true as ok, 'x' as name from account using sample 3

-- name: order-dependent aggregate
select any_value(account_key) as resource, true as ok, 'x' as name from account

-- name: unordered string_agg
select 'x' as resource, true as ok, string_agg(account_key, ',') as name from account

-- name: current_user
select account_key as resource, current_user = 'x' as ok, 'x' as name from account

-- name: user
select account_key as resource, true as ok, user as name from account

-- name: current_setting
select current_setting('temp_directory') as resource, true as ok, 'x' as name

-- name: duckdb_settings
select name as resource, true as ok, value as name from duckdb_settings()

-- name: duckdb_secrets
select name as resource, true as ok, 'x' as name from duckdb_secrets()

-- name: information_schema
select table_name as resource, true as ok, 'x' as name from information_schema.tables

-- name: sqlite_master
select name as resource, true as ok, 'x' as name from sqlite_master

-- name: pg_catalog
select relname as resource, true as ok, 'x' as name from pg_catalog.pg_class

-- name: version
select version() as resource, true as ok, 'x' as name

-- name: rowid
select account_key as resource, rowid > 0 as ok, 'x' as name from account

-- name: collation
select account_key as resource, sam_account_name collate nocase = 'x' as ok, 'x' as name from account

-- name: cast to JSON
select account_key as resource, cast(sam_account_name as json) is null as ok, 'x' as name from account

-- name: CTE named like a table
with account as (select 'x' as account_key, true as enabled) select account_key as resource, enabled as ok, 'x' as name from account

-- name: CTE named like a table in upper case
with ACCOUNT as (select 'x' as account_key, true as enabled) select account_key as resource, enabled as ok, 'x' as name from account

-- name: CTE named like a table in a subquery
select resource, ok, name from (with account as (select 'x' as resource, true as ok, 'x' as name) select resource, ok, name from account) as x

-- name: schema-qualified table
select account_key as resource, true as ok, 'x' as name from main.account

-- name: schema-qualified function
select main.lower(account_key) as resource, true as ok, 'x' as name from account

-- name: star
select * from account

-- name: columns expression
select columns('.*') from account

-- name: lambda
select account_key as resource, list_filter([1], lambda x: x > 0) is null as ok, 'x' as name from account

-- name: struct
select account_key as resource, {'a': 1} is null as ok, 'x' as name from account

-- name: positional join
select a.account_key as resource, true as ok, 'x' as name from account a positional join account b

-- name: natural join
select account_key as resource, true as ok, 'x' as name from account natural join account_kind

-- name: limit that hides findings
select account_key as resource, enabled as ok, 'x' as name from account limit 5

-- name: limit in percent
select account_key as resource, enabled as ok, (select spn from account_spn order by spn limit 50%) as name from account

-- name: group by all
select account_key as resource, count(*) = 1 as ok, 'x' as name from account group by all

-- name: time travel
select account_key as resource, true as ok, 'x' as name from account at (version => 1)

-- name: error swallowed
select account_key as resource, try(cast(sam_account_name as bigint)) is null as ok, 'x' as name from account

-- name: show
show tables

-- name: describe
describe account

-- name: from first
from account

-- name: values
values ('x', true, 'x')
